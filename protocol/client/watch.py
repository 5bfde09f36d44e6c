"""One watcher of an execution, or of the inbox: a bounded buffer between the connection and whoever reads it."""

from collections import deque
from collections.abc import Callable
from typing import Any, Literal, Self

import anyio
from msgspec import Struct

from protocol.client.following import News, judge
from protocol.events import Event
from protocol.frames import Delta, Presence, Snapshot
from protocol.ids import ExecutionId, Position

#: Frames that wait for a slow reader; what comes then is asked for again when they are read.
MOST = 1_000
ENDS = frozenset({"execution.completed", "execution.failed", "execution.stopped", "execution.cancelled"})


class UnknownEvent(Struct, frozen=True, kw_only=True):
    """An event of a kind that this version does not know."""

    type: str
    execution: ExecutionId
    epoch: str
    offset: int
    at: str = ""
    data: Any = None


Item = Event | UnknownEvent | Snapshot | Delta | Presence


def type_of(frame: Item) -> str:
    """Name a frame's type as the wire does."""
    return frame.type if isinstance(frame, UnknownEvent) else str(frame.__struct_config__.tag)


class Watch:
    """Iterate over an execution's frames in the order of its log, until it ends, without a gap or a repetition.

    After a lost position comes a `Snapshot`. Streamed text (`Delta`) is for the moment only: some may be left out.
    """

    def __init__(
        self, execution: ExecutionId, after: Position | Literal["start", "now"], ask: Callable[[ExecutionId], None]
    ) -> None:
        self.execution = execution
        self.seen = after if isinstance(after, Position) else None
        self._begin = after
        self._ask = ask
        self._waiting: deque[Item] = deque()
        self._more = anyio.Event()
        self._behind = self._ended = False
        self._failure: Exception | None = None

    @property
    def after(self) -> Position | Literal["start", "now"]:
        """Where to go on."""
        return self.seen or self._begin

    def offer(self, frame: Item) -> None:
        """Take a frame from the connection; never waits."""
        if self._behind or self._ended:
            return
        if isinstance(frame, Delta | Presence):
            self._keep(frame)
            return
        news = News.NEXT if isinstance(frame, Snapshot) else self._judge(frame)
        if news is News.NEXT and self._keep(frame):
            self.seen = Position(frame.epoch, frame.offset)
            self._ended = type_of(frame) in ENDS
        elif news is News.GAP:
            self._ask(self.execution)

    def _judge(self, frame: Event | UnknownEvent) -> News:
        """Before the beginning, what comes is another watcher's: ours was asked for, and is about to come."""
        if self.seen is None and not (self._begin == "start" and frame.offset == 1):
            return News.SEEN
        return judge(self.seen, frame.epoch, frame.offset)

    def begin(self, epoch: str, last: int) -> None:
        """Learn where the log stood when it was asked for from now on: a lost connection goes on from there."""
        if self.seen is None and self._begin == "now":
            self.seen = Position(epoch, last)

    def _keep(self, frame: Item) -> bool:
        self._behind = len(self._waiting) >= MOST
        if not self._behind:
            self._waiting.append(frame)
            self._more.set()
        return not self._behind

    def fail(self, error: Exception) -> None:
        """Raise an error at whoever reads, behind what came before."""
        self._failure = error
        self._more.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._waiting:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                raise StopAsyncIteration
            if self._behind:
                self._behind = False
                self._ask(self.execution)
            self._more = anyio.Event()
            await self._more.wait()
        return self._waiting.popleft()
