"""Streamed text is kept whole or not at all, and within a limit."""

import pytest

from server.hub import streams
from server.hub.streams import Streams


def delta(index: int, stream: str = "s", text: str = "t") -> bytes:
    return b'{"type":"delta","execution":"x","stream":"%b","index":%d,"text":"%b"}' % (
        stream.encode(), index, text.encode(),
    )  # fmt: skip


def kept(*frames: bytes) -> Streams:
    made = Streams()
    for frame in frames:
        made.add(frame)
    return made


def test_keeps_streams_apart_and_in_order() -> None:
    both = kept(delta(0), delta(0, "other"), delta(1))
    assert both.frames == [delta(0), delta(1), delta(0, "other")]
    both.follow(b'{"type":"llm.completed","execution":"x","data":{"call":"c","stream":"s"}}')
    assert both.frames == [delta(0, "other")]


def test_a_stream_whose_beginning_was_not_heard_is_not_kept() -> None:
    assert not kept(delta(1), delta(2))
    assert not kept(delta(10))


@pytest.mark.parametrize("kind", ["task.completed", "task.started", "execution.cancelled"])
def test_a_landmark_ends_all_streams(kind: str) -> None:
    one = kept(delta(0))
    one.follow(b'{"type":"%b","execution":"x"}' % kind.encode())
    assert not one


def test_other_events_end_nothing() -> None:
    one = kept(delta(0))
    one.follow(b'{"type":"tool.started","execution":"x"}')
    assert one


def test_a_stream_that_is_too_long_is_dropped_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIMIT", 300)
    one = kept(delta(0), delta(1, text="t" * 300), delta(2))
    assert not one
    one.add(delta(0, "next"))
    assert one.frames == [delta(0, "next")]
