"""What a watcher is owed, as pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import Position
from server.recovery import After, Page, Start, follow, locate, reaches, seek


def page(first: int, last: int, epoch: str = "e") -> Page:
    return Page(epoch, first, last, [])


@pytest.mark.parametrize(
    ("after", "log", "start"),
    [
        ("start", page(1, 9), Start(0, True)),
        ("start", page(4, 9), Start(0, False)),
        ("start", page(1, 0), Start(0, True)),
        ("now", page(1, 9), Start(9, True)),
        ("now", page(4, 9), Start(9, True)),
        (Position("e", 5), page(1, 9), Start(5, True)),
        (Position("e", 9), page(1, 9), Start(9, True)),
        (Position("e", 3), page(4, 9), Start(3, True)),
        (Position("e", 2), page(4, 9), Start(2, False)),
        (Position("e", 10), page(1, 9), Start(10, False)),
        (Position("other", 5), page(1, 9), Start(5, False)),
        (Position("other", 0), page(1, 9), Start(0, False)),
    ],
)
def test_a_position_is_believed_only_in_its_epoch_and_within_the_log(after: After, log: Page, start: Start) -> None:
    assert locate(after, log) == start


def test_reading_begins_at_the_position_or_at_the_start() -> None:
    assert [seek("start"), seek("now"), seek(Position("e", 7))] == [0, 0, 7]


def test_an_emptied_log_reaches_only_its_end() -> None:
    emptied = page(10, 9)
    assert reaches(emptied, 9)
    assert not reaches(emptied, 8)


@given(st.integers(0, 30), st.lists(st.integers(1, 40)), st.none() | st.integers(0, 40))
def test_what_follows_has_no_hole_no_double_and_no_end_beyond_the_limit(
    offset: int, numbers: list[int], upto: int | None
) -> None:
    taken = [number for number, _ in follow(offset, [(number, b"") for number in numbers], upto=upto)]
    assert taken == list(range(offset + 1, offset + 1 + len(taken)))
    assert upto is None or all(number <= upto for number in taken)


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 40))
def test_a_recovered_replay_is_complete(first: int, length: int, offset: int) -> None:
    last = first + length - 1
    log = Page("e", first, last, [(n, b"") for n in range(max(first, offset + 1), last + 1)])
    start = locate(Position("e", offset), log)
    if start.recovered:
        assert [n for n, _ in follow(start.offset, log.frames)] == list(range(offset + 1, last + 1))
