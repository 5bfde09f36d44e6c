"""What calls of language models cost: prices by the models' names, and amounts of money that add up exactly. Pure.

An amount is counted in billionths of the currency's unit, as a whole number: prices are for a million tokens, and one
token often costs less than a millionth. A call is rounded once, to the nearest billionth; sums are never rounded.
"""

import itertools
import re
from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from protocol.objects import Cost, Usage

#: A price has so many decimals at most, and is no higher than this: no sum that anybody would pay leaves 64 bits.
DECIMALS, HIGHEST = 6, Decimal(100_000_000)
SCALE, SMALLEST = 1_000_000, Decimal(1).scaleb(-DECIMALS)
BILLION, DIGITS = 1_000_000_000, 9
#: Millionths for a million tokens are millionths of millionths for one; so many of these are a billionth.
PER_BILLIONTH = 1000
CURRENCY = re.compile("[A-Z]{3}")
WILD = frozenset("*?[")
#: Names of models that are remembered, each with its price. A process meets a handful.
REMEMBERED = 256


class BadPrices(ValueError):
    """Raised for prices that cannot be read; the message says what would be right."""


class Tokens(NamedTuple):
    """What one call used. `cached` and `written` (to the provider's cache) are among those of the `prompt`."""

    prompt: int
    completion: int
    cached: int = 0
    written: int = 0


class Declared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price as it is written down: for a million tokens."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_write: Decimal | None = None


class File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of prices."""

    currency: str = "USD"
    prices: dict[str, Any]


class Price(NamedTuple):
    """What a million tokens cost, in millionths of the currency's unit."""

    input: int
    output: int
    cached: int
    written: int

    def billionths(self, tokens: Tokens) -> int:
        """Give the price of one call."""
        cached = max(0, min(tokens.cached, tokens.prompt))
        written = max(0, min(tokens.written, tokens.prompt - cached))
        plain = tokens.prompt - cached - written
        sums = plain * self.input + cached * self.cached + written * self.written + tokens.completion * self.output
        return (sums + PER_BILLIONTH // 2) // PER_BILLIONTH


class Prices:
    """All prices, in one currency. A key is a model's name, with its provider before it or without, or a pattern."""

    def __init__(self, models: Mapping[str, Price] | None = None, currency: str = "USD") -> None:
        self.currency = currency
        self._models = {name.lower(): price for name, price in (models or {}).items()}
        self.of = lru_cache(REMEMBERED)(self._of)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> "Prices":
        """Read `currency` and the table `prices`, or raise `BadPrices`."""
        try:
            file = msgspec.convert(table, File)
        except msgspec.ValidationError as error:
            raise BadPrices(f"{error}.") from None
        if not CURRENCY.fullmatch(file.currency):
            raise BadPrices(f"the currency {file.currency!r} is not of three capital letters, such as USD or IDR.")
        for name, other in itertools.pairwise(sorted(file.prices, key=str.lower)):
            if name.lower() == other.lower():
                raise BadPrices(f"the price of {other!r} is given twice, for {name!r} is the same.")
        return cls({name: _price(name, _declared(name, price)) for name, price in file.prices.items()}, file.currency)

    def __bool__(self) -> bool:
        return bool(self._models)

    def _of(self, model: str) -> Price | None:
        """Give the price of a model, `openai/gpt-4o` or `gpt-4o`; the most specific key counts, or there is none.

        A whole name is more specific than a pattern; of two of a kind the one with more letters that are no wildcards.
        """
        names = _ends(model.lower())
        fitting = [key for key in self._models if any(key == name or fnmatchcase(name, key) for name in names)]
        return self._models[max(fitting, key=_specific)] if fitting else None

    def cost(self, model: str, tokens: Tokens) -> Cost | UnsetType:
        """Price one call; nothing, where the model has no price, or nobody told what the call used."""
        price = self.of(model)
        if price is None or tokens.prompt < 0 or tokens.completion < 0 or not tokens.prompt + tokens.completion:
            return UNSET
        return Cost(amount=written(price.billionths(tokens)), currency=self.currency)


def _declared(name: str, price: Any) -> Declared:
    try:
        return msgspec.convert(price, Declared)
    except msgspec.ValidationError as error:
        raise BadPrices(f"the price of {name!r}: {error} (a name with a dot in it is written in quotes).") from None


def _price(name: str, declared: Declared) -> Price:
    cached = declared.input if declared.cached is None else declared.cached
    write = declared.input if declared.cache_write is None else declared.cache_write
    return Price(*(_millionths(name, value) for value in (declared.input, declared.output, cached, write)))


def _millionths(name: str, value: Decimal) -> int:
    if not value.is_finite() or not 0 <= value <= HIGHEST:
        raise BadPrices(f"the price {value} of {name!r} is not from 0 to {HIGHEST:,}.")
    exact = value.quantize(SMALLEST)
    if exact != value:
        raise BadPrices(f"the price {value} of {name!r} has more than {DECIMALS} decimals.")
    return int(exact * SCALE)


def _ends(name: str) -> list[str]:
    """Give a name, and what is left of it without each of the providers before it: `a/b/c`, `b/c`, `c`."""
    parts = name.split("/")
    return ["/".join(parts[first:]) for first in range(len(parts))]


def _specific(key: str) -> tuple[bool, int, str]:
    return not WILD & set(key), len(re.sub(r"\[[^\]]*\]|[*?]", "", key)), key


def billionths(amount: str) -> int:
    """Read an amount."""
    whole, _, rest = amount.partition(".")
    return int(whole) * BILLION + int(rest.ljust(DIGITS, "0") or 0)


def written(number: int) -> str:
    """Write an amount without an exponent, and without zeros at its end: `0.0041`."""
    whole, rest = divmod(number, BILLION)
    return f"{whole}.{rest:0{DIGITS}}".rstrip("0").rstrip(".")


def told(cost: Cost) -> str:
    """Put a cost into words, to the last digit: `at least 0.0041 USD`."""
    return f"{'at least ' if cost.unpriced else ''}{cost.amount} {cost.currency}"


def add(one: Usage, more: Usage) -> Usage:
    """Add up what calls used. Where the currency was changed between them, the cost is that of the later ones."""
    return Usage(
        prompt_tokens=one.prompt_tokens + more.prompt_tokens,
        completion_tokens=one.completion_tokens + more.completion_tokens,
        total_tokens=one.total_tokens + more.total_tokens,
        calls=one.calls + more.calls,
        replayed=one.replayed + more.replayed,
        cost=_added(one, more),
    )


def _added(one: Usage, more: Usage) -> Cost | UnsetType:
    last = more.cost or one.cost
    if not last:
        return UNSET
    amount = unpriced = 0
    for usage in (one, more):
        if usage.cost and usage.cost.currency == last.currency:
            amount += billionths(usage.cost.amount)
            unpriced += usage.cost.unpriced
        else:
            unpriced += usage.calls
    return Cost(amount=written(amount), currency=last.currency, unpriced=unpriced)


def priced(usage: Usage) -> int:
    """Count the calls that are in a cost."""
    return usage.calls - usage.cost.unpriced if usage.cost else 0
