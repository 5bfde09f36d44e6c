"""The sorted sets that are derived from executions: recent ones, those to look after, open checkpoints.

They are lists, not truth: an entry that was left behind by a crash is put right by `repair`, or dropped when read.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple, Self

from protocol.events import ExecutionQueued
from protocol.frames import seconds_of
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Checkpoint, CheckpointState, Execution, State
from server import keys, projection
from server.checkpoint import read
from server.execution import ENDS
from server.store import cursors
from server.store.conversations import Conversations
from server.store.decided import Decided

#: Behind every deadline there can be, so that checkpoints without one come last, oldest first.
NO_DEADLINE = 10_000_000_000_000
#: More open checkpoints than anybody will look through.
LONGEST_INBOX = 10_000
#: Reads that go into one round trip.
CHUNK = 200
#: Checkpoints that will never be open again.
DONE = frozenset({CheckpointState.DECIDED, CheckpointState.EXPIRED, CheckpointState.WITHDRAWN})
#: Executions looked through for one page of a filtered list.
SCAN_LIMIT = 2_000


class Item(NamedTuple):
    """An entry of the list of executions, and the cursor that continues behind it."""

    execution: Execution
    cursor: str


class Lists(Conversations, Decided):
    """Keep and read the lists."""

    async def list_new(self, execution: ExecutionId, queued: ExecutionQueued) -> None:
        """List an execution that was just made."""
        now = self.clock() * 1000
        async with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(keys.executions(self.tenant), {execution: now})
            self.keep_conversation(pipeline, execution, queued, now)
            pipeline.zadd(keys.active(), {self.member(execution): now})
            pipeline.sadd(keys.tenants(), self.tenant)
            await pipeline.execute()

    async def list_ended(self, execution: ExecutionId) -> str:
        """Drop an ended execution from what must be looked after, and its checkpoints from the inbox; name its crew."""
        idents = [record.checkpoint.id for record in await self.records(execution)]
        async with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.hget(keys.execution(self.tenant, execution).state, "crew")
            pipeline.zrem(keys.active(), self.member(execution))
            if idents:
                pipeline.zrem(keys.inbox(self.tenant), *(f"{execution}/{ident}" for ident in idents))
            crew, *_ = await pipeline.execute()
        return (crew or b"").decode()

    async def list_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Put an open checkpoint into the inbox, or take one that is over out of it.

        One that is revised stays: it is about to be open again, and to take it out late would hide its next version.
        """
        member = f"{checkpoint.execution}/{checkpoint.id}"
        if checkpoint.state in DONE:
            await self.redis.zrem(keys.inbox(self.tenant), member)
            await self.list_decided(checkpoint)
        elif checkpoint.state is CheckpointState.OPEN:
            score = seconds_of(checkpoint.deadline or checkpoint.opened_at) * 1000
            later = 0 if checkpoint.deadline else NO_DEADLINE
            await self.redis.zadd(keys.inbox(self.tenant), {member: score + later})

    async def look_after(self, execution: ExecutionId, seconds: float) -> None:
        """Have the execution looked after again in some seconds."""
        await self.redis.zadd(keys.active(), {self.member(execution): (self.clock() + seconds) * 1000})

    async def due(self, limit: int = 500) -> list[str]:
        """List the executions that are to be looked after now, those of all tenants."""
        members: Any = await self.redis.zrangebyscore(keys.active(), "-inf", self.clock() * 1000, start=0, num=limit)
        return [member.decode() for member in members]

    async def everywhere(self) -> list[Self]:
        """Give the stores of all tenants that have ever started something."""
        members: Any = await self.redis.smembers(keys.tenants())
        return [self.of(tenant) for tenant in sorted({self.tenant, *(member.decode() for member in members)})]

    async def known(self, execution: ExecutionId) -> bool:
        """Tell whether any tenant has such an execution."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            for store in await self.everywhere():
                pipeline.exists(keys.execution(store.tenant, execution).state)
            return any(await pipeline.execute())

    async def repair(self, execution: ExecutionId) -> None:
        """Put right what a crash between a commit and its lists left behind."""
        holder = await self.holder(execution)
        if holder is None or holder.state in ENDS:
            await self.list_ended(execution)
            return
        for record in await self.records(execution):
            await self.list_checkpoint(record.checkpoint)

    async def inbox(self) -> list[Checkpoint]:
        """Read the open checkpoints, nearest deadline first."""
        members: Any = await self.redis.zrange(keys.inbox(self.tenant), 0, LONGEST_INBOX - 1)
        found: list[Checkpoint] = []
        for first in range(0, len(members), CHUNK):
            found += (await self._open(members[first : first + CHUNK]))[0]
        return found

    async def inbox_page(self, begin: int, limit: int) -> tuple[list[Checkpoint], int | None]:
        """Read at most so many of the open checkpoints, and where the next ones begin, if there are any."""
        members: Any = await self.redis.zrange(keys.inbox(self.tenant), begin, begin + limit)
        found, lost = await self._open(members[:limit])
        return found, begin + limit - lost if len(members) > limit else None

    async def _open(self, members: Sequence[bytes]) -> tuple[list[Checkpoint], int]:
        """Read those of the inbox's members that are open indeed, and drop (and count) those that will not be again.

        One that is listed and not open yet is about to be: see `Writer.precede`.
        """
        pairs = [member.decode().partition("/") for member in members]
        async with self.redis.pipeline(transaction=False) as pipeline:
            for execution, _, ident in pairs:
                names = keys.execution(self.tenant, ExecutionId(execution))
                pipeline.hget(names.state, "state")
                pipeline.hget(names.checkpoints, ident)
            replies = await pipeline.execute()
        states, records = replies[::2], [read(raw).checkpoint if raw else None for raw in replies[1::2]]
        rows = list(zip(members, states, records, strict=True))
        lost = [member for member, state, record in rows if _over(state, record)]
        if lost:
            await self.redis.zrem(keys.inbox(self.tenant), *lost)
        found = [record for _, state, record in rows if record is not None and _waits(state, record)]
        return found, len(lost)

    async def overdue(self, limit: int = 100) -> list[tuple[str, CheckpointId]]:
        """List the open checkpoints whose deadline has passed, with their executions: those of all tenants."""
        stores = await self.everywhere()
        async with self.redis.pipeline(transaction=False) as pipeline:
            for store in stores:
                pipeline.zrangebyscore(keys.inbox(store.tenant), "-inf", self.clock() * 1000, start=0, num=limit)
            listed: list[list[bytes]] = await pipeline.execute()
        pairs = [(store, m.decode().partition("/")) for store, found in zip(stores, listed, strict=True) for m in found]
        return [(store.member(ExecutionId(ident)), CheckpointId(asked)) for store, (ident, _, asked) in pairs]

    async def count(self, limit: int = 5000) -> Counter[tuple[str, str]]:
        """Count the newest executions of all tenants by crew and state; `limit` is for each tenant."""
        counts: Counter[tuple[str, str]] = Counter()
        for store in await self.everywhere():
            counts += await store.count_own(limit)
        return counts

    async def count_own(self, limit: int) -> Counter[tuple[str, str]]:
        """Count the newest executions by crew and state."""
        idents: Any = await self.redis.zrevrange(keys.executions(self.tenant), 0, limit - 1)
        async with self.redis.pipeline(transaction=False) as pipeline:
            for ident in idents:
                pipeline.hmget(keys.execution(self.tenant, ExecutionId(ident.decode())).state, ["crew", "state"])
            rows = await pipeline.execute()
        return Counter((crew.decode(), state.decode()) for crew, state in rows if state)

    async def count_inbox(self) -> int:
        """Count the open checkpoints."""
        return int(await self.redis.zcard(keys.inbox(self.tenant)))

    async def count_active(self) -> int:
        """Count the executions that have not ended."""
        if {store.tenant for store in await self.everywhere()} == {self.tenant}:
            return int(await self.redis.zcard(keys.active()))
        members: Any = await self.redis.zrange(keys.active(), 0, -1)
        return sum(member.startswith(f"{self.tenant}/".encode()) for member in members)

    async def executions(self, cursor: str | None, wanted: "Wanted") -> AsyncIterator[Item]:
        """Read executions, newest first, from behind a cursor, as far as `SCAN_LIMIT` reaches."""
        listed = keys.executions(self.tenant)
        if wanted.conversation is not None:
            listed = keys.conversation(self.tenant, wanted.conversation)
        score, seen = cursors.read(cursor)
        scanned = 0
        while scanned < SCAN_LIMIT:
            rows: Any = await self.redis.zrevrangebyscore(listed, score, "-inf", start=0, num=100, withscores=True)
            fresh = [(ident.decode(), at) for ident, at in rows if ident.decode() not in seen]
            if not fresh:
                return
            for ident, at in fresh:
                scanned += 1
                seen = {*seen, ident} if at == score else {ident}
                score = at
                item = await self._item(listed, ExecutionId(ident), at)
                if item and wanted.fits(item.execution):
                    yield item

    async def _item(self, listed: str, ident: ExecutionId, at: float) -> Item | None:
        row = await self.row(ident)
        if row is None:
            await self.redis.zrem(listed, ident)
            return None
        shown = projection.execution(ident, row, now=self.clock(), outputs=False)
        return Item(shown, cursors.written(at, ident))


def _over(state: bytes | None, checkpoint: Checkpoint | None) -> bool:
    ended = state is None or State(state.decode()) in ENDS
    return ended or (checkpoint is not None and checkpoint.state in DONE)


def _waits(state: bytes | None, checkpoint: Checkpoint | None) -> bool:
    return not _over(state, checkpoint) and checkpoint is not None and checkpoint.state is CheckpointState.OPEN


class Wanted(NamedTuple):
    """What a list of executions is narrowed to."""

    state: str | None = None
    crew: str | None = None
    conversation: str | None = None

    def fits(self, execution: Execution) -> bool:
        """Tell whether an execution belongs to the list."""
        pairs: Sequence[tuple[str | None, str | None]] = (
            (self.state, execution.state.value),
            (self.crew, execution.crew),
            (self.conversation, execution.conversation),
        )
        return all(wanted is None or wanted == actual for wanted, actual in pairs)
