"""One execution's channel in this process: the order of its events, and repair from the log.

The log is the buffer. Whatever pub/sub lost, doubled or brought too early is left to be read from the log, so that
nothing has to be kept here but the position up to which everybody who is live has been served.
"""

from typing import TYPE_CHECKING

from protocol.frames import encode, error_frame
from protocol.ids import ExecutionId
from server.hub.audience import Audience
from server.hub.refusals import gone
from server.hub.streams import Streams
from server.hub.viewers import PRESENCE, Viewers
from server.recovery import Log, Numbered, Page, follow, reaches

if TYPE_CHECKING:
    from server.hub.hub import Hub

#: So many events are kept for those who join just now; whoever needs more reads the log.
RECENT = 512


class Channel:
    """Put an execution's events in order for all who are live.

    `epoch` and `last` say up to where the live have been served, or where the next message follows on when nobody is
    live; an empty `epoch` means that this is not known. `generation` changes when messages may have been lost.
    """

    __slots__ = (
        "_repairing", "_stale", "epoch", "execution", "generation", "hub", "joining", "last", "live", "log", "name",
        "recent", "streams", "viewers",
    )  # fmt: skip

    def __init__(self, hub: "Hub", log: Log, execution: ExecutionId, name: str) -> None:
        self.hub = hub
        self.log = log
        self.execution = execution
        self.name = name
        self.epoch = b""
        self.last = 0
        self.generation = 0
        self.live = Audience()
        self.joining = 0
        self.recent: list[Numbered] = []
        self.streams = Streams()
        self.viewers = Viewers()
        self._stale = False
        self._repairing = False

    # What pub/sub calls

    def deliver(self, payload: bytes) -> None:
        """Take a message: `OFFSET EPOCH`, a newline and an event, or nothing, a newline and a delta or presence."""
        head, _, frame = payload.partition(b"\n")
        if not head:
            if frame.startswith(PRESENCE):
                self.viewers.hear(frame)
            else:
                self.streams.add(frame)
            self.live.send(frame)
            return
        digits, epoch = head.split(b" ", 1)
        offset = int(digits)
        if self.streams:
            self.streams.follow(frame)
        if offset == self.last + 1 and epoch == self.epoch:
            self.last = offset
            self.live.send(frame)
            if self.joining:
                self._remember(offset, frame)
        else:
            self._out_of_order(epoch, offset, frame)

    def missed(self) -> None:
        """Read from the log what pub/sub may have lost."""
        self.generation += 1
        self.streams.clear()
        self.viewers.known = False
        if self.live:
            self.repair()
            self.meet()
        else:
            self.forget_position()

    def dropped(self) -> None:
        """Leave the hub."""
        self.hub.forget(self)

    def _out_of_order(self, epoch: bytes, offset: int, frame: bytes) -> None:
        if epoch == self.epoch and offset <= self.last:
            return
        if self.live:
            self.repair()
            return
        self.epoch, self.last, self.recent = epoch, offset, []
        if self.joining:
            self._remember(offset, frame)

    def _remember(self, offset: int, frame: bytes) -> None:
        if len(self.recent) >= RECENT:
            self.recent.clear()
        self.recent.append((offset, frame))

    def forget_position(self) -> None:
        """Know no longer what comes next; the next message or watcher will tell."""
        self.epoch, self.last, self.recent = b"", 0, []

    # Joining

    def settle(self, epoch: bytes, position: int, top: int, generation: int) -> list[bytes] | None:
        """Tell what a watcher at `position` still lacks to be live, or None when it has to read the log again.

        The log was read during `generation` and went up to `top`. Nothing may be awaited between this and `live.add`.
        """
        if generation != self.generation:
            return None
        if not self.live and position < top:
            return None
        if not self.live and (epoch != self.epoch or position >= self.last):
            stale = epoch != self.epoch and self.epoch != b""
            self.forget_position()
            if stale:
                return None
            self.epoch, self.last = epoch, position
            return []
        if epoch != self.epoch or position > self.last:
            self.repair()
            return None
        owed = follow(position, self.recent_after(position))
        return [frame for _, frame in owed] if position + len(owed) == self.last else None

    def recent_after(self, position: int) -> list[Numbered]:
        """List the events beyond `position` that are still here."""
        return [item for item in self.recent if item[0] > position]

    def bound(self, epoch: bytes) -> int | None:
        """Name the offset beyond which a joiner need not read: what follows will come to it live."""
        return self.last if self.live and epoch == self.epoch else None

    # Who looks

    def meet(self) -> None:
        """See to it that everybody who is live is told who looks, unless that is known."""
        if not self.viewers.known and not self.viewers.learning:
            self.viewers.learning = True
            self.hub.spawn(self.learn_viewers)

    async def learn_viewers(self) -> None:
        """Read who looks, and tell what is news; what is published meanwhile is newer than what was read."""
        viewers = self.viewers
        try:
            heard = -1
            while heard != viewers.heard:
                heard, viewers.known = viewers.heard, True
                found = await self.hub.read(lambda: self.log.viewers(self.execution))
                heard = heard if viewers.known else -1
            self.live.send_many(viewers.replace(self.execution, found))
        finally:
            viewers.learning = False

    # Repair

    def repair(self) -> None:
        """See to it that the log is read, once for everybody; again, if this is called meanwhile."""
        self._stale = True
        if not self._repairing:
            self._repairing = True
            self.hub.spawn(self._repair)

    async def _repair(self) -> None:
        try:
            while self._stale and self.live:
                self._stale = False
                epoch, before = self.epoch, self.last
                page = await self.hub.page(self.log, self.execution, before)
                self.hub.repairs += 1
                if page is None:
                    self._gone()
                elif page.epoch.encode() != epoch or not reaches(page, before):
                    await self._restart()
                else:
                    self._catch_up(page)
        finally:
            self._repairing = False

    def _catch_up(self, page: Page) -> None:
        frames = follow(self.last, (item for item in page.frames if item[0] > self.last))
        if frames:
            self.last = frames[-1][0]
            self.live.send_many([frame for _, frame in frames])
            self.recent.clear()
        if self.last < page.last:
            self._stale = True

    async def _restart(self) -> None:
        snapshot = await self.hub.read(lambda: self.log.snapshot(self.execution))
        if snapshot is None:
            self._gone()
            return
        self.hub.snapshots += 1
        self.live.send(encode(snapshot))
        self.forget_position()
        self.epoch, self.last = snapshot.epoch.encode(), snapshot.offset
        self._stale = True

    def _gone(self) -> None:
        self.live.send(encode(error_frame(gone(self.execution), None)))
        self.live.clear()
        self.forget_position()
