"""What calls cost: which price counts, exact amounts, and sums that tell what is not in them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from protocol.objects import Cost, Usage
from server.prices import BadPrices, Price, Prices, Tokens, add, billionths, written

TABLE: dict[str, Any] = {
    "prices": {
        "*": {"input": 99, "output": 99},
        "gpt-4o*": {"input": 3, "output": 3},
        "gpt-4o": {"input": 2.5, "output": 10, "cached": 1.25},
        "gpt-4o-mini*": {"input": 0.15, "output": 0.6, "cached": 0.075},
        "azure/gpt-4o": {"input": 2.75, "output": 11},
        "azure/*": {"input": 50, "output": 50},
        "claude-[34]-*": {"input": 3, "output": 15, "cached": "0.3", "cache_write": 3.75},
        "Meta-Llama/Llama-3": {"input": 0, "output": 0},
    }
}
PRICES = Prices.read(TABLE)


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("gpt-4o", "gpt-4o"),
        ("openai/gpt-4o", "gpt-4o"),
        ("openrouter/openai/gpt-4o", "gpt-4o"),
        ("azure/gpt-4o", "azure/gpt-4o"),
        ("litellm_proxy/azure/gpt-4o", "azure/gpt-4o"),
        ("azure/gpt-5", "azure/*"),
        ("gpt-4o-2024-11-20", "gpt-4o*"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini*"),
        ("GPT-4o", "gpt-4o"),
        ("anthropic/claude-3-opus", "claude-[34]-*"),
        ("together_ai/meta-llama/llama-3", "Meta-Llama/Llama-3"),
        ("mistral-large", "*"),
    ],
)
def test_the_most_specific_key_counts(model: str, key: str) -> None:
    assert PRICES.of(model) == Prices.read({"prices": {"x": TABLE["prices"][key]}}).of("x")


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o-mini", ""])
def test_a_model_without_a_price_costs_nobody_knows_what(model: str) -> None:
    assert Prices.read({"prices": {"claude-*": {"input": 1, "output": 1}}}).cost(model, Tokens(1, 1)) is UNSET
    assert Prices().cost(model, Tokens(1, 1)) is UNSET


@pytest.mark.parametrize(
    ("model", "tokens", "amount"),
    [
        ("gpt-4o", Tokens(1_000_000, 0), "2.5"),
        ("gpt-4o", Tokens(0, 1_000_000), "10"),
        ("gpt-4o", Tokens(412, 98), "0.00201"),
        ("gpt-4o", Tokens(412, 98, cached=400), "0.00151"),
        ("gpt-4o", Tokens(412, 98, cached=9999), "0.001495"),
        ("gpt-4o-mini", Tokens(1, 0), "0.00000015"),
        ("gpt-4o-mini", Tokens(1, 0, cached=1), "0.000000075"),
        ("claude-3-opus", Tokens(1000, 10, cached=600, written=300), "0.001755"),
        ("azure/gpt-4o", Tokens(100, 0, cached=100), "0.000275"),
        ("meta-llama/llama-3", Tokens(5000, 5000), "0"),
    ],
)
def test_each_kind_of_token_has_its_price(model: str, tokens: Tokens, amount: str) -> None:
    assert PRICES.cost(model, tokens) == Cost(amount=amount, currency="USD", unpriced=0)


@pytest.mark.parametrize("tokens", [Tokens(0, 0), Tokens(-1, 5), Tokens(5, -1)])
def test_what_nobody_told_has_no_price(tokens: Tokens) -> None:
    assert PRICES.cost("gpt-4o", tokens) is UNSET


@given(
    price=st.builds(Price, *[st.integers(0, 10**14)] * 4),
    tokens=st.builds(Tokens, *[st.integers(0, 10**7)] * 4),
)
def test_a_call_is_rounded_once_to_the_nearest_billionth(price: Price, tokens: Tokens) -> None:
    cached = min(tokens.cached, tokens.prompt)
    fresh = min(tokens.written, tokens.prompt - cached)
    parts = (tokens.prompt - cached - fresh, tokens.completion, cached, fresh)
    exact = sum(Fraction(number * each, 10**12) for number, each in zip(parts, price, strict=True))
    assert abs(Fraction(price.billionths(tokens), 10**9) - exact) <= Fraction(1, 2 * 10**9)


@given(st.integers(0, 10**20))
def test_amounts_are_written_plainly_and_read_back(number: int) -> None:
    text = written(number)
    assert billionths(text) == number
    assert Decimal(text) == Decimal(number) / 10**9
    assert "E" not in text
    assert not (text.endswith("0") and "." in text)


def usage(calls: int, amount: str = "", unpriced: int = 0, currency: str = "USD", tokens: int = 0) -> Usage:
    cost: Cost | UnsetType = Cost(amount=amount, currency=currency, unpriced=unpriced) if amount else UNSET
    return Usage(prompt_tokens=tokens, total_tokens=tokens, calls=calls, cost=cost)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([usage(1, tokens=3), usage(2, tokens=4)], usage(3, tokens=7)),
        ([usage(1, "0.1"), usage(1, "0.2")], usage(2, "0.3")),
        ([usage(1), usage(1, "0.2"), usage(2)], usage(4, "0.2", 3)),
        ([usage(3, "1", 1), usage(2, "1", 2)], usage(5, "2", 3)),
        ([usage(1, "0")], usage(1, "0")),
        ([usage(1, "5"), usage(1, "7", currency="IDR")], usage(2, "7", 1, "IDR")),
        ([usage(1, "7", currency="IDR"), usage(1)], usage(2, "7", 1, "IDR")),
    ],
)
def test_usage_adds_up_and_tells_what_is_not_in_its_cost(parts: list[Usage], whole: Usage) -> None:
    total = Usage()
    for part in parts:
        total = add(total, part)
    assert total == whole


def test_ten_thousand_small_amounts_add_up_exactly() -> None:
    total = Usage()
    for _ in range(10_000):
        total = add(total, usage(1, "0.000000001"))
    assert total == usage(10_000, "0.00001")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "prices"),
        ({"prices": []}, "prices"),
        ({"prices": {}, "price": 1}, "price"),
        ({"prices": {"m": {"input": 1}}}, "'m'.* `output`"),
        ({"prices": {"gpt-4": {"1": {"input": 1, "output": 2}}}}, "'gpt-4'.* `1` .*quotes"),
        ({"prices": {"m": {"input": 1, "output": 2, "cache": 1}}}, "cache"),
        ({"prices": {"m": {"input": "much", "output": 2}}}, "input"),
        ({"prices": {"m": {"input": -1, "output": 2}}}, "-1 of 'm'"),
        ({"prices": {"m": {"input": float("inf"), "output": 2}}}, "of 'm'"),
        ({"prices": {"m": {"input": float("nan"), "output": 2}}}, "of 'm'"),
        ({"prices": {"m": {"input": 1e9, "output": 2}}}, "of 'm'"),
        ({"prices": {"m": {"input": "0.0000001", "output": 2}}}, "decimals"),
        ({"prices": {}, "currency": "dollars"}, "dollars"),
        ({"prices": {"GPT-4o": {"input": 1, "output": 2}, "gpt-4o": {"input": 3, "output": 4}}}, "is given twice"),
        ({"prices": {"m": {"input": "1.00000000000000000000000000000001", "output": 2}}}, "decimals"),
        ({"prices": {"m": {"input": True, "output": 2}}}, "input"),
        ({"prices": {"m": {"input": "sNaN", "output": 2}}}, "of 'm'"),
        ({"prices": {"m": {"input": "1e-9999999", "output": 2}}}, "decimals"),
        ({"prices": {"m": {"input": "1e9999999", "output": 2}}}, "of 'm'"),
        ({"prices": {"m": {"input": "0e9999999", "output": 2}}, "currency": "USD\n"}, "currency"),
    ],
)
def test_what_cannot_be_read_is_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(BadPrices, match=said):
        Prices.read(table)


def test_the_currency_is_the_operators() -> None:
    rupiah = Prices.read({"currency": "IDR", "prices": {"gpt-4o": {"input": 41_000, "output": 164_000}}})
    assert rupiah.cost("gpt-4o", Tokens(1000, 100)) == Cost(amount="57.4", currency="IDR")
