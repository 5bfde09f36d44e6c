"""The pure rules of the Python client: addresses, when to come back, what is news, what waits, what is not known."""

from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest

from protocol.client.address import socket_url
from protocol.client.comeback import LONGEST, SHORTEST, pause_after
from protocol.client.following import News, judge
from protocol.client.inbox import changed
from protocol.client.reading import read
from protocol.client.watch import MOST, UnknownEvent, Watch
from protocol.events import CheckpointOpened
from protocol.frames import Bye, Delta, decode_event
from protocol.ids import ExecutionId, Position
from tests.golden import examples

GOLDEN: dict[str, Any] = {frame["type"]: frame for frame in msgspec.json.decode(examples.FILE.read_bytes())["events"]}


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"),
        ("127.0.0.1:8000", "ws://127.0.0.1:8000/ws"),
        ("https://crew.example/", "wss://crew.example/ws"),
        ("https://crew.example/deck", "wss://crew.example/deck/ws"),
        ("ws://crew.example/ws", "ws://crew.example/ws"),
    ],
)
def test_where_a_servers_socket_is(url: str, socket: str) -> None:
    assert socket_url(url) == socket


@pytest.mark.parametrize("url", ["", "ftp://crew.example", "http://", "http:///ws"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="is not the address of a server"):
        socket_url(url)


def bye(*, resume: bool, after: float = 3.0) -> Bye:
    return Bye(code=4200, reason="draining", after=after, resume=resume)


@pytest.mark.parametrize(
    ("code", "said", "attempt", "pause"),
    [
        (4000, None, 0, None),
        (4009, None, 3, None),
        (1006, bye(resume=False), 0, None),
        (4200, bye(resume=True), 0, 3.0),
        (4200, bye(resume=True), 1, 1.0),
        (4200, None, 0, 0.0),
        (1006, None, 0, 0.5),
        (1006, None, 2, 2.0),
        (1006, None, 99, LONGEST),
        (4108, None, 0, SHORTEST + 0.5),
    ],
)
def test_when_to_come_back(code: int, said: Bye | None, attempt: int, pause: float | None) -> None:
    assert pause_after(code, said, attempt, lambda: 1.0) == pause
    assert pause_after(1006, None, attempt, lambda: 0.0) == 0.0, "full jitter"


@pytest.mark.parametrize(
    ("seen", "event", "news"),
    [
        (None, ("a", 7), News.NEXT),
        (("a", 6), ("a", 7), News.NEXT),
        (("a", 7), ("a", 7), News.SEEN),
        (("a", 9), ("a", 7), News.SEEN),
        (("a", 5), ("a", 7), News.GAP),
        (("a", 6), ("b", 7), News.GAP),
        (("a", 6), ("b", 1), News.GAP),
    ],
)
def test_what_is_news(seen: tuple[str, int] | None, event: tuple[str, int], news: News) -> None:
    assert judge(Position(*seen) if seen else None, *event) is news


def event(offset: int, epoch: str = "e1") -> UnknownEvent:
    return UnknownEvent(type="task.imagined", execution=ExecutionId("x_1"), epoch=epoch, offset=offset)


async def test_a_slow_reader_has_all_of_it_and_a_full_buffer_is_asked_for_again() -> None:
    asked: list[str] = []
    watch = Watch(ExecutionId("x_1"), "start", asked.append)
    for offset in range(1, MOST + 51):
        watch.offer(event(offset))
    assert asked == []
    got = [(await anext(watch)).offset for _ in range(MOST)]  # type: ignore[union-attr] # events
    assert got == list(range(1, MOST + 1))
    assert watch.after == Position("e1", MOST)
    async with anyio.create_task_group() as group:

        async def again() -> None:
            while not asked:
                await anyio.lowlevel.checkpoint()
            for offset in range(MOST - 5, MOST + 51):
                watch.offer(event(offset))

        group.start_soon(again)
        got = [(await anext(watch)).offset for _ in range(50)]  # type: ignore[union-attr] # events
    assert got == list(range(MOST + 1, MOST + 51))
    assert asked == ["x_1"]


def test_a_gap_is_asked_for_and_text_of_the_moment_is_not_kept_back() -> None:
    asked: list[str] = []
    watch = Watch(ExecutionId("x_1"), Position("e1", 3), asked.append)
    watch.offer(event(5))
    watch.offer(Delta(execution=ExecutionId("x_1"), stream="s", index=0, text="a"))
    assert (asked, watch.after) == (["x_1"], Position("e1", 3))


def place(watch: Watch) -> object:
    return watch.after


def test_a_second_watcher_waits_for_its_own_beginning() -> None:
    """The first one's events come while the second's are on their way: they are no beginning."""
    watch = Watch(ExecutionId("x_1"), "start", lambda _: None)
    for offset in (57, 58, 1, 2, 59):
        watch.offer(event(offset))
    assert place(watch) == Position("e1", 2)


def test_who_watches_from_now_on_has_a_place_before_anything_happens() -> None:
    """Else what happens while the connection is lost would be behind it."""
    asked: list[str] = []
    watch = Watch(ExecutionId("x_1"), "now", asked.append)
    watch.offer(event(5))
    assert place(watch) == "now"
    watch.begin("e1", 7)
    assert place(watch) == Position("e1", 7)
    watch.begin("e1", 9)
    watch.offer(event(7))
    watch.offer(event(8))
    assert (place(watch), asked) == (Position("e1", 8), [])


def test_what_waits_after_an_event() -> None:
    opened = decode_event(msgspec.json.encode(GOLDEN["checkpoint.opened"]))
    assert isinstance(opened.data, CheckpointOpened)
    waiting = changed({}, opened)
    assert list(waiting) == [opened.data.checkpoint.id]
    for kind in ("checkpoint.decided", "checkpoint.expired", "checkpoint.withdrawn", "execution.cancelled"):
        assert changed(waiting, decode_event(msgspec.json.encode(GOLDEN[kind]))) == {}
    assert changed(waiting, decode_event(msgspec.json.encode(GOLDEN["task.started"]))) is waiting


def test_what_a_newer_server_says_is_passed_over_or_handed_on() -> None:
    assert read('{"type":"weather","wind":7}') is None
    future = read('{"type":"task.imagined","execution":"x_1","epoch":"e","offset":4,"at":"","data":{"a":1},"new":1}')
    assert future == UnknownEvent(
        type="task.imagined", execution=ExecutionId("x_1"), epoch="e", offset=4, data={"a": 1}
    )  # fmt: skip
    for frame in GOLDEN.values():
        more = {**frame, "later": 1, "data": {**frame["data"], "more": 2}}
        assert read(msgspec.json.encode(more)).data is not None
