"""Appending events: every change of an execution goes through the commit script, from here."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from protocol.events import Data, EventType, ExecutionQueued
from protocol.frames import Delta, encode, event_halves, seconds_of, timestamp
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Actor, CheckpointState, State
from server import checkpoint, keys, projection, telemetry, traces
from server.checkpoint import Record
from server.execution import ENDS, FENCED, Change, Verdict
from server.scripts import Commit, Entry, source
from server.store.lists import Lists

#: Events that the inbox hears of: what opens and closes checkpoints, and the beginning and end of executions.
INBOX = frozenset(event for event in EventType if event.startswith("checkpoint.")) | {
    EventType.EXECUTION_QUEUED, EventType.EXECUTION_STARTED, EventType.EXECUTION_COMPLETED,
    EventType.EXECUTION_FAILED, EventType.EXECUTION_STOPPED,
    EventType.EXECUTION_CANCELLED,
}  # fmt: skip
#: Events that webhooks can hear of; for all others an execution's webhooks are not even looked up.
HEARD = frozenset({
    EventType.CHECKPOINT_OPENED, EventType.CHECKPOINT_DECIDED, EventType.CHECKPOINT_EXPIRED,
    EventType.CHECKPOINT_WITHDRAWN, EventType.EXECUTION_COMPLETED, EventType.EXECUTION_FAILED,
    EventType.EXECUTION_STOPPED, EventType.EXECUTION_CANCELLED, EventType.TASK_COMPLETED, EventType.TOOL_COMPLETED,
    EventType.TOOL_FAILED,
})  # fmt: skip
WAKE, OUTBOX = keys.wake(""), keys.outbox()


@dataclass(frozen=True, kw_only=True)
class Write:
    """An event to append, with what goes along with it.

    `fence` is the writer's lease (for a claim: the next number), `number` counts its writes under that lease, and
    `owner` is the worker that claims. `change` and `record` move a checkpoint; `step` and `value` add to the journal;
    `key` makes a repetition harmless; `now` is when it happened, in Unix seconds, if not at the moment of writing;
    `trace` is the trace that a new execution belongs to, `hooks` are fields of its state that say which webhooks hear
    of what follows.
    """

    data: Data
    by: Actor | None = None
    now: float | None = None
    key: str = ""
    fence: int = 0
    number: int = 0
    owner: str = ""
    change: Change | None = None
    record: Record | None = None
    step: str = ""
    value: bytes = b""
    trace: str = ""
    hooks: Mapping[str, bytes] = field(default_factory=dict)


class Writer(Lists):
    """Append events to executions."""

    async def commit(self, execution: ExecutionId, write: Write) -> Commit:
        """Append one event, and bring the lists up to date with it."""
        await self.precede(write)
        commit = await self.scripts.commit(keys.execution(self.tenant, execution), self.entry(execution, write))
        if commit.verdict is Verdict.APPLIED:
            await self.follow(execution, write, commit)
        return commit

    async def commit_all(self, execution: ExecutionId, writes: Sequence[Write | Delta], fence: int) -> list[Commit]:
        """Append events and push deltas, in order, in one round trip; give what became of the events.

        Raises `NoScriptError` with nothing applied when the server has lost its scripts: `scripts.load`, then again.
        """
        names = keys.execution(self.tenant, execution)
        channel = keys.channel(self.tenant, execution)
        for write in writes:
            if isinstance(write, Write):
                await self.precede(write)
        async with self.redis.pipeline(transaction=False) as pipeline:
            for write in writes:
                if isinstance(write, Delta):
                    self.scripts.queue_delta(pipeline, names, fence, channel, encode(write))
                else:
                    self.scripts.queue_commit(pipeline, names, self.entry(execution, write))
            replies: list[Any] = await pipeline.execute()
        commits = [Commit.read(reply) for reply in replies if isinstance(reply, list)]
        appended = [write for write in writes if isinstance(write, Write)]
        for write, commit in zip(appended, commits, strict=True):
            if commit.verdict is Verdict.APPLIED:
                await self.follow(execution, write, commit)
        return commits

    async def expire(self, execution: ExecutionId, ident: CheckpointId) -> Commit | None:
        """Close a checkpoint whose deadline has passed, as it was written out; nothing when somebody was faster."""
        record = await self.checkpoint(execution, ident)
        now = self.clock()
        found = checkpoint.expired(record, at=timestamp(now)) if record else None
        if found is None:
            await self.repair(execution)
            return None
        after, change, event = found
        commit = await self.commit(execution, Write(data=event, now=now, change=change, record=after))
        return commit if commit.verdict is Verdict.APPLIED else None

    async def answered(self, execution: ExecutionId, key: str) -> Commit | None:
        """Give what an earlier command with this idempotency key did, if there was one."""
        offset: Any = await self.redis.hget(keys.execution(self.tenant, execution).keys, key)
        holder = await self.holder(execution) if offset else None
        return Commit(Verdict.DUPLICATE, int(offset), holder.state, "", holder.owner) if holder else None

    async def remember_start(self, subject: str, key: str, execution: ExecutionId) -> ExecutionId:
        """Bind a `start`'s idempotency key to an execution for a day, and give the one that it is bound to."""
        return await self._bind(keys.started(self.tenant, subject, key), execution)

    async def remember_fork(self, subject: str, original: ExecutionId, key: str, execution: ExecutionId) -> ExecutionId:
        """Bind the idempotency key of a `fork` of this original in the same way."""
        return await self._bind(keys.forked(self.tenant, subject, original, key), execution)

    async def _bind(self, name: str, execution: ExecutionId) -> ExecutionId:
        bound: Any = await self.redis.set(name, execution, nx=True, get=True, ex=86_400)
        return ExecutionId(bound.decode()) if bound else execution

    async def record(self, execution: ExecutionId, fence: int, step: str, value: bytes) -> bool:
        """Keep a journal entry; false when the writer has lost the execution."""
        return await self.scripts.record(keys.execution(self.tenant, execution), fence, step, value)

    def record_blocking(self, execution: ExecutionId, fence: int, step: str, value: bytes) -> bool:
        """Keep a journal entry from synchronous code on the loop; false when the writer has lost the execution."""
        names = keys.execution(self.tenant, execution)
        return bool(self.blocking.eval(source("record"), 2, names.state, names.journal, fence, step, value))

    def entry(self, execution: ExecutionId, write: Write) -> Entry:
        """Lay an event out for the script."""
        now, event = self.clock() if write.now is None else write.now, write.data.type
        at = timestamp(now)
        head, tail = event_halves(execution, write.data, at=at, by=write.by)
        changes = projection.changes(write.data, at, write.by)
        return Entry(
            event=event,
            head=head,
            tail=tail,
            now=int(now * 1000),
            retention=self.retention,
            channel=keys.channel(self.tenant, execution),
            key=write.key,
            fence=write.fence,
            number=write.number,
            owner=write.owner,
            epoch=secrets.token_hex(4) if event is EventType.EXECUTION_QUEUED else "",
            inbox=keys.inbox(self.tenant) if event in INBOX else "",
            wake=WAKE if event not in FENCED and not write.owner else "",
            change=write.change,
            record=msgspec.json.encode(write.record) if write.record else b"",
            step=write.step,
            value=write.value,
            outbox=OUTBOX if event in HEARD else "",
            fields={**changes.fields, **({"trace": write.trace} if write.trace else {}), **write.hooks},
            sums=changes.sums,
        )

    async def precede(self, write: Write) -> None:
        """List a checkpoint before it is open: whoever hears of it, or has just missed that, must find it listed."""
        if write.record is not None and write.record.checkpoint.state is CheckpointState.OPEN:
            await self.list_checkpoint(write.record.checkpoint)

    async def follow(self, execution: ExecutionId, write: Write, commit: Commit) -> None:
        """Bring the lists up to date with an event; what a crash leaves undone is repaired by `repair`."""
        opened = seconds_of(write.record.checkpoint.opened_at) if write.record else None
        traces.tell(write.data, self.clock() if write.now is None else write.now, opened)
        if isinstance(write.data, ExecutionQueued):
            telemetry.EXECUTIONS_TOTAL.labels(write.data.crew, State.QUEUED).inc()
            await self.list_new(execution, write.data)
        elif commit.state in ENDS:
            crew = await self.list_ended(execution)
            telemetry.EXECUTIONS_TOTAL.labels(crew, commit.state).inc()
        elif write.record is not None and write.record.checkpoint.state is not CheckpointState.OPEN:
            await self.list_checkpoint(write.record.checkpoint)
