"""Who may connect, and how fast commands may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.connection.policy import UNLIMITED, Policy, Rate


@pytest.mark.parametrize(
    ("origin", "host", "admitted"),
    [
        ("https://quarterdeck.example", "quarterdeck.example", True),
        ("https://quarterdeck.example", "quarterdeck.example:443", True),
        ("http://quarterdeck.example", "Quarterdeck.Example:80", True),
        ("http://quarterdeck.example", "quarterdeck.example:443", False),
        ("http://quarterdeck.example:8000", "quarterdeck.example:8000", True),
        ("http://quarterdeck.example:8000", "quarterdeck.example", False),
        ("https://quarterdeck.example.evil", "quarterdeck.example", False),
        ("https://evil@quarterdeck.example", "quarterdeck.example", False),
        ("null", "quarterdeck.example", False),
        ("null", "", False),
        ("http://[", "quarterdeck.example", False),
        ("http://quarterdeck.example", "[", False),
        ("", "quarterdeck.example", False),
        ("https://quarterdeck.example", None, False),
        (None, None, True),
    ],
)
def test_a_page_of_the_same_host_may_connect(origin: str | None, host: str | None, admitted: bool) -> None:
    assert Policy().admits(origin, host) is admitted


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        ("https://app.example", True), ("https://quarterdeck.example", True), ("https://b.example", False),
        ("http://app.example", False), ("https://app.example.evil", False), ("*", False), (None, True),
    ],
)  # fmt: skip
def test_named_pages_may_connect_beside_those_of_the_same_host(origin: str | None, admitted: bool) -> None:
    assert Policy(origins=["https://app.example"]).admits(origin, "quarterdeck.example") is admitted


def test_an_unlimited_rate_is_announced_as_a_large_number() -> None:
    assert Policy(commands_per_10s=None).limits.commands_per_10s == UNLIMITED
    assert Rate(None, 0).take(0) == 0


@given(st.integers(1, 300), st.lists(st.floats(0, 3), max_size=200))
def test_never_more_than_a_bucket_and_what_flows_in_are_taken(size: int, pauses: list[float]) -> None:
    rate, now, taken = Rate(size, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += rate.take(now) == 0
        assert taken <= size + now * size / 10 + 1e-6


@given(st.integers(1, 300))
def test_after_the_time_that_it_names_there_is_one_again(size: int) -> None:
    rate = Rate(size, 0.0)
    while not (wait := rate.take(0.0)):
        pass
    assert rate.take(wait + 1e-9) == 0
