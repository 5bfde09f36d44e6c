"""The beginning of one execution's log, told again of another: what a fork shares with its original. Pure.

Every event is told as it was, at its own time and by the same person, but that the execution and its checkpoints have
new names. So the fork's log obeys what every log obeys, and its state is what these events make of it.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from protocol.commands import Decision
from protocol.events import (
    CheckpointCommented,
    CheckpointDecided,
    CheckpointEscalated,
    CheckpointExpired,
    CheckpointExtended,
    CheckpointOpened,
    CheckpointVoted,
    CheckpointWithdrawn,
    Data,
    Event,
    ExecutionParked,
    ExecutionQueued,
    ExecutionResumed,
)
from protocol.frames import seconds_of, timestamp
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Actor, CheckpointState, Origin, State
from server import checkpoint
from server.checkpoint import Record
from server.execution import Change, Machine, Verdict, apply, claims
from server.store.writer import Write

#: Why a fork is parked at its birth, and who holds it until then.
FORK = "fork"
#: What crews call the marks of a tool that began, and of one that was unwound (`server/crews/calls/toolcall.py`).
TOOL, BEGUN, LEFT = "tool.", "/started", "/left"
Told = tuple[Data, Record | None, Change | None]


class Untellable(Exception):
    """Raised for a log that does not obey the rules of this version, so that nothing can be built on it."""


class Retelling:
    """Take an original's events in order, and make of each the write that tells it of the fork.

    `records` are the original's checkpoints as they are now; `rename` makes the name of one in the fork.
    """

    def __init__(
        self,
        execution: ExecutionId,
        origin: Origin,
        by: Actor,
        records: Iterable[Record],
        rename: Callable[[], CheckpointId],
    ) -> None:
        self.execution = execution
        self.origin = origin
        self.by = by
        #: The checkpoints of the fork as they stand now, under the names that they have in the original.
        self.records: dict[CheckpointId, Record] = {}
        self._known = {record.checkpoint.id: record for record in records}
        self._names = {ident: rename() for ident in self._known}
        self._machine = Machine()

    @property
    def record(self) -> Record:
        """The checkpoint that is answered anew, as it stands now."""
        return self.records[self.origin.checkpoint]

    @property
    def open(self) -> list[Record]:
        """The checkpoints that wait for an answer now."""
        return [record for record in self.records.values() if record.checkpoint.state is CheckpointState.OPEN]

    def take(self, event: Event) -> Write:
        """Tell one event again; raises `Untellable`."""
        try:
            data, record, change = self._told(event)
        except KeyError as missing:
            raise Untellable(f"{event.data.type} at {event.offset}: {missing} is not recorded") from missing
        by = self.by if isinstance(data, ExecutionQueued) else event.by
        return self._write(data, by, seconds_of(event.at), record, change)

    def end(self, decision: Decision, *, via: str, now: float) -> list[Write]:
        """Give what makes the fork go its own way: it leaves the worker that it never had, and is answered.

        What is open beside that is asked anew, and gets as long for it as it had.
        """
        parked = self._write(ExecutionParked(reason=FORK), None, now)
        before = self.record
        after, change = checkpoint.decided(before, decision, by=self.by, at=timestamp(now))
        event = checkpoint.decided_event(before.checkpoint, decision, via=via)
        writes = [parked, self._write(event, self.by, now, after, change)]
        self.records[self.origin.checkpoint] = after
        writes += [self._write(data, self.by, now, record, change) for data, record, change in self._anew(now)]
        if self._machine.state is State.PAUSED:
            writes.append(self._write(ExecutionResumed(reason=FORK), self.by, now))
        return writes

    def _anew(self, now: float) -> list[Told]:
        waiting = [(ident, record.checkpoint) for ident, record in self.records.items() if record in self.open]
        return [
            self._extended(ident, timestamp(now + seconds_of(asked.deadline) - seconds_of(asked.opened_at)))
            for ident, asked in waiting
            if asked.deadline is not None
        ]

    def _write(
        self, data: Data, by: Actor | None, now: float, record: Record | None = None, change: Change | None = None
    ) -> Write:
        claimed = claims(self._machine.state, data.type)
        fence = self._machine.fence + claimed
        self._machine, verdict = apply(self._machine, data.type, fence=fence, change=change)
        if verdict is not Verdict.APPLIED:
            raise Untellable(f"{data.type} after {self._machine.offset} events: {verdict}")
        owner = FORK if claimed else ""
        return Write(data=data, by=by, now=now, fence=fence, owner=owner, change=change, record=record)

    def _told(self, event: Event) -> Told:
        match data := event.data:
            case ExecutionQueued():
                return msgspec.structs.replace(data, forked_from=self.origin), None, None
            case CheckpointOpened():
                return self._opened(data)
            case CheckpointDecided() | CheckpointExpired() | CheckpointWithdrawn():
                return self._closed(data, event)
            case CheckpointExtended():
                return self._extended(data.checkpoint, data.deadline)
            case CheckpointVoted() | CheckpointCommented() | CheckpointEscalated():
                return msgspec.structs.replace(data, checkpoint=self._names[data.checkpoint]), None, None
        return data, None, None

    def _opened(self, data: CheckpointOpened) -> Told:
        ident = data.checkpoint.id
        shown = msgspec.structs.replace(data.checkpoint, id=self._names[ident], execution=self.execution)
        record, change = checkpoint.asked(shown, self._known[ident].step, self.records.get(ident))
        self.records[ident] = record
        return CheckpointOpened(checkpoint=shown), record, change

    def _extended(self, ident: CheckpointId, deadline: str) -> Told:
        record, change = checkpoint.extended(self.records[ident], deadline)
        self.records[ident] = record
        return CheckpointExtended(checkpoint=record.checkpoint.id, deadline=deadline), record, change

    def _closed(self, data: CheckpointDecided | CheckpointExpired | CheckpointWithdrawn, event: Event) -> Told:
        ident = data.checkpoint
        before = self.records[ident]
        if isinstance(data, CheckpointDecided):
            decision = self._known[ident].decisions[data.version]
            after, change = checkpoint.decided(before, decision, by=event.by, at=event.at)
        elif isinstance(data, CheckpointExpired) and (found := checkpoint.expired(before, at=event.at)):
            after, change, _ = found
        else:
            expired = isinstance(data, CheckpointExpired)
            after, change = checkpoint.over(before, CheckpointState.EXPIRED if expired else CheckpointState.WITHDRAWN)
        self.records[ident] = after
        return msgspec.structs.replace(data, checkpoint=after.checkpoint.id), after, change


def shared_steps(stored: Mapping[str, bytes], offset: int, waiting: Iterable[Record]) -> dict[str, bytes]:
    """Take of a journal, as Redis has it (`OFFSET:value`), what was there when the log stood at `offset`.

    `waiting` are the questions that were open then. A tool that had begun is not begun again: one around a question
    was left in good order; any other came to its end, which is shared, or nobody knows, and a person is asked.
    """
    shared = {step: value for step, value in stored.items() if int(value.partition(b":")[0]) <= offset}
    asked = [(record.step, record.checkpoint.kind) for record in waiting]
    for mark in [step for step in shared if step.endswith(BEGUN)]:
        tool = mark.removesuffix(BEGUN)
        if not tool.rpartition("/")[2].startswith(TOOL):
            continue
        inside = [kind for step, kind in asked if step.startswith(f"{tool}/")]
        if not inside and tool in stored:
            shared[tool] = stored[tool]
        elif inside and "recovery" not in inside:
            shared[tool + LEFT] = shared[mark]
    return shared
