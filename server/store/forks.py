"""Making an execution of the beginning of another: all of it at once, or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio.lowlevel
from redis.exceptions import ResponseError, WatchError

from protocol.commands import Decision
from protocol.events import CheckpointExtended, CheckpointOpened, EventType, ExecutionQueued
from protocol.frames import decode_event
from protocol.ids import CheckpointId, ExecutionId, new_checkpoint
from protocol.objects import Actor, Origin, State
from server import keys, telemetry
from server.checkpoint import Record
from server.execution import Verdict
from server.scripts import Commit, Entry
from server.store.retelling import Retelling, Untellable, shared_steps
from server.store.writer import Write, Writer

#: While a fork is made, Redis serves nobody else: about 0.4 s for so many events, 40 ms for a thousand.
MOST_EVENTS = 10_000
MOST_BYTES = 32 << 20
#: Events read, or told again, before others get a turn; steps of a journal written by one command.
CHUNK = 500
OPENED = b'{"type":"%s"' % EventType.CHECKPOINT_OPENED.encode()


class TooLong(Exception):
    """Raised for an original whose log is too long to be told again."""


@dataclass(kw_only=True)
class Shared:
    """What a fork shares with its original: its log up to a checkpoint, and the steps that were recorded by then."""

    retelling: Retelling
    writes: list[Write] = field(default_factory=list)
    steps: dict[str, bytes] = field(default_factory=dict)

    @property
    def execution(self) -> ExecutionId:
        """The fork."""
        return self.retelling.execution

    @property
    def record(self) -> Record:
        """The checkpoint that is to be answered anew, as it stood when it was opened."""
        return self.retelling.record


class Forks(Writer):
    """Read what can be shared, and make a fork of it."""

    async def share(
        self, original: ExecutionId, ident: CheckpointId, version: int, *, fork: ExecutionId, by: Actor
    ) -> Shared | None:
        """Read an original up to where a version of a checkpoint was opened; nothing when its log has no such event.

        Raises `TooLong`, and `Untellable` for a log that another version wrote otherwise.
        """
        frames = await self._until(original, ident, version)
        if frames is None:
            return None
        origin = Origin(execution=original, checkpoint=ident, offset=len(frames))
        retelling = Retelling(fork, origin, by, await self.records(original), new_checkpoint)
        shared = Shared(retelling=retelling)
        for number, frame in enumerate(frames):
            if number % CHUNK == 0:
                await anyio.lowlevel.checkpoint()
            shared.writes.append(retelling.take(decode_event(frame)))
        stored: Any = await self.redis.hgetall(keys.execution(self.tenant, original).journal)
        journal = {step.decode(): value for step, value in stored.items()}
        shared.steps = shared_steps(journal, origin.offset, retelling.open)
        return shared

    async def _until(self, original: ExecutionId, ident: CheckpointId, version: int) -> list[bytes] | None:
        """Read a log from its beginning to the event that opened a version of a checkpoint."""
        frames: list[bytes] = []
        size = 0
        while (page := await self.page(original, len(frames), CHUNK)) is not None and page.frames:
            for offset, frame in page.frames:
                if offset != len(frames) + 1:
                    return None
                frames.append(frame)
                size += len(frame)
                if _opens(frame, ident, version):
                    return frames
            if len(frames) >= MOST_EVENTS or size > MOST_BYTES:
                raise TooLong
        return None

    async def fork(
        self, shared: Shared, decision: Decision, *, via: str, hooks: Mapping[str, bytes] | None = None
    ) -> Commit | None:
        """Make the fork, answered by this decision; nothing when there is an execution of its name already.

        `hooks`: see `Write`.
        """
        first, *others = [*shared.writes, *shared.retelling.end(decision, via=via, now=self.clock())]
        writes = [replace(first, hooks=hooks or {}), *others]
        queued = first.data
        assert isinstance(queued, ExecutionQueued), "a log begins so"
        # first, so that no crash leaves an execution that nobody looks after
        await self.list_new(shared.execution, queued)
        commits = await self._make(shared, await self._entries(shared, writes))
        if commits is None:
            return None
        telemetry.EXECUTIONS_TOTAL.labels(queued.crew, State.QUEUED).inc()
        await self.repair(shared.execution)
        return commits[-1]

    async def _entries(self, shared: Shared, writes: Sequence[Write]) -> list[Entry]:
        """Lay the events out. The inbox hears of the fork, and of what is open in it still; webhooks of its answer.

        Of what is told again only so that the fork has it, nobody hears a second time.
        """
        still = {(record.checkpoint.id, record.checkpoint.version) for record in shared.retelling.open}

        def heard(number: int, write: Write) -> bool:
            if isinstance(write.data, CheckpointOpened):
                return (write.data.checkpoint.id, write.data.checkpoint.version) in still
            fresh = number >= len(shared.writes) and isinstance(write.data, CheckpointExtended)
            return fresh or isinstance(write.data, ExecutionQueued)

        entries: list[Entry] = []
        for number, write in enumerate(writes):
            if number % CHUNK == 0:
                await anyio.lowlevel.checkpoint()
            entry = self.entry(shared.execution, write)
            if not heard(number, write):
                entry = replace(entry, inbox="", outbox=entry.outbox if number >= len(shared.writes) else "")
            entries.append(entry)
        return entries

    async def _make(self, shared: Shared, entries: Sequence[Entry]) -> list[Commit] | None:
        """Append all events, and the journal with them, in one transaction."""
        names = keys.execution(self.tenant, shared.execution)
        await self.scripts.load()
        steps = list(shared.steps.items())
        async with self.redis.pipeline(transaction=True) as pipeline:
            try:
                await pipeline.watch(names.state)
                if await pipeline.exists(names.state):
                    return None
                pipeline.multi()  # type: ignore[no-untyped-call] # redis-py leaves it so
                for entry in entries:
                    self.scripts.queue_commit(pipeline, names, entry)
                for first in range(0, len(steps), CHUNK):
                    pipeline.hset(names.journal, mapping=dict(steps[first : first + CHUNK]))
                replies = await pipeline.execute()
            except WatchError:
                return None
            except ResponseError:
                await self.redis.delete(*names)
                raise
        commits = [Commit.read(reply) for reply in replies[: len(entries)]]
        if any(commit.verdict is not Verdict.APPLIED for commit in commits):
            await self.redis.delete(*names)
            raise Untellable(f"{shared.execution}: the rules and the script disagree")
        return commits


def _opens(frame: bytes, ident: CheckpointId, version: int) -> bool:
    if not frame.startswith(OPENED) or ident.encode() not in frame:
        return False
    data: Any = decode_event(frame).data
    return bool((data.checkpoint.id, data.checkpoint.version) == (ident, version))
