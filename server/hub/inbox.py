"""The inbox: every checkpoint that waits for a person, as the open ones at first and then as events.

Its channel carries events of many executions, so it has no one position. What pub/sub lost is found by comparing the
open checkpoints with those that were last known, and is then taken from the logs of the executions that differ.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from protocol.events import EventType
from protocol.frames import encode, error_frame
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Checkpoint
from server.hub.audience import Audience
from server.hub.refusals import gone
from server.outlet import Outlet
from server.recovery import Log

if TYPE_CHECKING:
    from server.hub.hub import Hub

#: More events than this may not wait for a joiner's list; it reads the list again instead.
WAITING = 1000
ENDS = frozenset({
    EventType.EXECUTION_COMPLETED, EventType.EXECUTION_FAILED, EventType.EXECUTION_STOPPED,
    EventType.EXECUTION_CANCELLED,
})  # fmt: skip
OVER = frozenset({EventType.CHECKPOINT_DECIDED, EventType.CHECKPOINT_EXPIRED, EventType.CHECKPOINT_WITHDRAWN})


class Notice(msgspec.Struct, frozen=True):
    """What the inbox reads of an event."""

    type: str
    execution: ExecutionId
    data: dict[str, Any]

    @property
    def checkpoint(self) -> CheckpointId | None:
        """The checkpoint that the event is about, if it is about one."""
        subject = self.data.get("checkpoint")
        return subject["id"] if isinstance(subject, dict) else subject


read_notice = msgspec.json.Decoder(Notice).decode


class Inbox:
    """The inbox's channel in this process. `known`: the open checkpoints, each with its execution and version."""

    def __init__(self, hub: "Hub", log: Log, name: str) -> None:
        self.hub = hub
        self.log = log
        self.name = name
        self.generation = 0
        self.live = Audience()
        self.joining: list[InboxWatch] = []
        self.known: dict[CheckpointId, tuple[ExecutionId, int]] = {}
        #: Executions that were heard of while a repair reads.
        self._touched: set[ExecutionId] = set()
        self._stale = False
        self._repairing = False

    # What pub/sub calls

    def deliver(self, payload: bytes) -> None:
        """Take an event of any execution."""
        frame = payload.partition(b"\n")[2]
        if self.live or self.joining:
            notice = read_notice(frame)
            self.learn(notice)
            if self._repairing:
                self._touched.add(notice.execution)
        self.live.send(frame)
        for watch in self.joining:
            watch.hear(frame)

    def missed(self) -> None:
        """Find out what pub/sub may have lost."""
        self.generation += 1
        if self.live:
            self.repair()

    def dropped(self) -> None:
        """Forget everything: the next watcher begins anew."""
        self.known.clear()
        self.hub.forget_inbox(self)

    def learn(self, notice: Notice) -> None:
        """Keep `known` by an event."""
        ident = notice.checkpoint
        if notice.type == EventType.CHECKPOINT_OPENED and ident is not None:
            self.known[ident] = (notice.execution, notice.data["checkpoint"]["version"])
        elif notice.type in OVER and ident is not None:
            self.known.pop(ident, None)
        elif notice.type in ENDS:
            self._forget(notice.execution)

    def _forget(self, execution: ExecutionId) -> None:
        self.known = {ident: item for ident, item in self.known.items() if item[0] != execution}

    def learn_all(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Remember what is open, as a first watcher reads it."""
        self.known = {c.id: (c.execution, c.version) for c in checkpoints}

    # Repair

    def repair(self) -> None:
        """See to it that what was lost is found and sent."""
        self._stale = True
        if not self._repairing:
            self._repairing = True
            self.hub.spawn(self._repair)

    async def _repair(self) -> None:
        try:
            while self._stale and self.live:
                self._stale = False
                await self._compare()
        finally:
            self._repairing = False

    async def _compare(self) -> None:
        listed = await self.hub.read(self.log.inbox)
        self.hub.repairs += 1
        now = {c.id: (c.execution, c.version) for c in listed}
        before = dict(self.known)
        changed = {c for c in now.keys() | before.keys() if now.get(c) != before.get(c)}
        for execution in {(now.get(c) or before[c])[0] for c in changed}:
            await self._tell(execution, changed)

    async def _tell(self, execution: ExecutionId, changed: set[CheckpointId]) -> None:
        """Send an execution's events on what changed, as the log has them; older ones never behind newer ones."""
        while True:
            self._touched.discard(execution)
            frames = await self._find(execution, changed)
            if execution not in self._touched:
                break
        if not frames:
            self._forget(execution)
            frames = [encode(error_frame(gone(execution), None))]
        else:
            for frame in frames:
                self.learn(read_notice(frame))
        self.live.send_many(frames)

    async def _find(self, execution: ExecutionId, changed: set[CheckpointId]) -> list[bytes]:
        found: list[bytes] = []
        after = 0
        while True:
            page = await self.hub.page(self.log, execution, after)
            if page is None or not page.frames:
                return found
            found += [frame for _, frame in page.frames if _concerns(frame, changed)]
            after = page.frames[-1][0]


def _concerns(frame: bytes, changed: set[CheckpointId]) -> bool:
    notice = read_notice(frame)
    return notice.type in ENDS or notice.checkpoint in changed


class InboxWatch:
    """One watcher of the inbox."""

    def __init__(self, hub: "Hub", inbox: Inbox, outlet: Outlet) -> None:
        self.checkpoints: list[Checkpoint] = []
        self._hub = hub
        self._inbox = inbox
        self._outlet = outlet
        self._waiting: list[bytes] = []
        self._complete = True
        self._open = True
        inbox.joining.append(self)

    async def load(self) -> None:
        """Read what is open now; events that come meanwhile wait."""
        while True:
            self._waiting, self._complete = [], True
            generation = self._inbox.generation
            self.checkpoints = await self._inbox.log.inbox()
            if self._complete and generation == self._inbox.generation:
                return

    def hear(self, frame: bytes) -> None:
        """Keep an event until the list has been sent."""
        if len(self._waiting) < WAITING:
            self._waiting.append(frame)
        else:
            self._complete = False

    def begin(self) -> None:
        """Send what came meanwhile, and be live."""
        inbox = self._inbox
        if not inbox.live:
            inbox.learn_all(self.checkpoints)
            for frame in self._waiting:
                inbox.learn(read_notice(frame))
        if self._waiting:
            self._outlet.write(self._outlet.encoding.many(self._waiting))
        inbox.joining.remove(self)
        inbox.live.add(self._outlet)

    def close(self) -> None:
        """Stop watching."""
        if self._open:
            self._open = False
            if self in self._inbox.joining:
                self._inbox.joining.remove(self)
            self._inbox.live.discard(self._outlet)
            self._hub.release(self._inbox)
