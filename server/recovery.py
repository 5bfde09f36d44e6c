"""What a watcher is owed: where its replay begins, what comes next, and when something is missing.

Pure rules over positions. A log is numbered from 1 without a hole within an epoch; what a watcher may not notice is
that pages, live messages and repairs reach it by different ways.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

from protocol.frames import Presence, Snapshot
from protocol.ids import ExecutionId, Position
from protocol.objects import Checkpoint

After = Position | Literal["start", "now"]
#: An event as the log has it: its offset and its JSON frame.
Numbered = tuple[int, bytes]


class Page(NamedTuple):
    """A part of a log. `first` and `last` are the lowest and highest offsets that the log holds now."""

    epoch: str
    first: int
    last: int
    frames: list[Numbered]


class Log(Protocol):
    """The logs of one tenant's executions, as the realtime edge reads them."""

    async def page(self, execution: ExecutionId, after: int, limit: int = 300) -> Page | None:
        """Read at most `limit` events that follow offset `after`; None when there is no such execution."""

    async def snapshot(self, execution: ExecutionId) -> Snapshot | None:
        """Read the whole of an execution, consistent with the offset that it names."""

    async def open_checkpoints(self, execution: ExecutionId) -> list[Checkpoint]:
        """Read the open checkpoints of an execution."""

    async def inbox(self) -> list[Checkpoint]:
        """Read every open checkpoint of the tenant."""

    async def viewers(self, execution: ExecutionId) -> list[Presence]:
        """Read who looks at an execution's checkpoints now."""


class Logs(Protocol):
    """The logs of all tenants."""

    def of(self, tenant: str) -> Log:
        """Give those of one tenant."""


class Start(NamedTuple):
    """Where a replay begins: after `offset`. Not `recovered`: from there events are lost, a snapshot comes first."""

    offset: int
    recovered: bool


def seek(after: After) -> int:
    """Name the offset from which to read the first page, before the log's end is known."""
    return after.offset if isinstance(after, Position) else 0


def locate(after: After, page: Page) -> Start:
    """Find where the replay begins, now that the log's epoch and ends are known.

    A position is believed only in its own epoch, not beyond the log's end, and not before its beginning.
    """
    if after == "now":
        return Start(page.last, recovered=True)
    offset = seek(after)
    foreign = isinstance(after, Position) and after.epoch != page.epoch
    return Start(offset, recovered=not foreign and reaches(page, offset))


def reaches(page: Page, offset: int) -> bool:
    """Tell whether the log still holds everything that follows `offset`."""
    return page.first - 1 <= offset <= page.last


def follow(offset: int, frames: Iterable[Numbered], *, upto: int | None = None) -> list[Numbered]:
    """Take the frames that follow `offset` without a hole, up to and including `upto`."""
    taken: list[Numbered] = []
    for number, frame in frames:
        if number == offset + 1 and (upto is None or number <= upto):
            taken.append((number, frame))
            offset = number
    return taken
