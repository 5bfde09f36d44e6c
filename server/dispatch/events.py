"""The log of an execution, a page at a time, for clients that have no socket."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Raw

from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.objects import State
from protocol.replies import Answer
from server.dispatch.work import Work, unknown


class Place(NamedTuple):
    """Where to read on: behind this offset, in this epoch, or in whichever the log has now."""

    offset: int = 0
    epoch: str | None = None


class Events(Answer, frozen=True, kw_only=True):
    """A page of a log, which goes from `first` to `last` now; `next` is the offset to go on from, if there is more."""

    items: Sequence[Raw]
    epoch: str
    first: int
    last: int
    state: State
    next: int | None = None


async def read_events(work: Work, execution: ExecutionId, after: Place, limit: int) -> Events:
    """Read the events behind a place. One that the log no longer has, or never had, is refused."""
    page = await work.store.page(execution, after.offset, limit)
    holder = await work.store.holder(execution)
    if page is None or holder is None:
        raise unknown(execution)
    if (after.epoch or page.epoch) != page.epoch or not page.first - 1 <= after.offset <= page.last:
        raise Refused(
            ErrorCode.CONFLICT, "The log has no such place, or was begun anew: read it from the start.",
            epoch=page.epoch, first=page.first, last=page.last,
        )  # fmt: skip
    end = page.frames[-1][0] if page.frames else after.offset
    return Events(
        items=[Raw(frame) for _, frame in page.frames], epoch=page.epoch, first=page.first, last=page.last,
        state=holder.state, next=end if end < page.last else None,
    )  # fmt: skip
