"""What a watcher has seen of an execution's log, and whether a frame is news to it. Pure."""

from enum import Enum

from protocol.ids import Position


class News(Enum):
    """What a frame is to a watcher."""

    NEXT = "next"
    #: It was seen before, over another connection perhaps.
    SEEN = "seen"
    #: Events before it are missing: they must be asked for.
    GAP = "gap"


def judge(seen: Position | None, epoch: str, offset: int) -> News:
    """Tell what an event is to whoever has seen the log up to `seen`; None has seen nothing, and begins anywhere."""
    if seen is None:
        return News.NEXT
    if epoch != seen.epoch:
        return News.GAP  # the log was lost and begun anew; only a snapshot may lead there
    if offset <= seen.offset:
        return News.SEEN
    return News.NEXT if offset == seen.offset + 1 else News.GAP
