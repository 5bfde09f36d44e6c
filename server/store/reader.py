"""Reading executions, their logs, checkpoints and journals."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from protocol.frames import Snapshot
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Checkpoint, CheckpointState, Execution, State
from server import checkpoint, keys, projection
from server.checkpoint import Record
from server.execution import ENDS
from server.store.base import Base


class Page(NamedTuple):
    """A part of a log: `first` and `last` are the offsets it holds in all, `frames` those that were asked for."""

    epoch: str
    first: int
    last: int
    frames: list[tuple[int, bytes]]


class Holder(NamedTuple):
    """Who may write to an execution."""

    state: State
    fence: int
    owner: str
    attempt: int
    offset: int


class Reader(Base):
    """Read executions."""

    async def row(self, execution: ExecutionId) -> dict[str, bytes] | None:
        """Read the state hash, or nothing."""
        row: Any = await self.redis.hgetall(keys.execution(self.tenant, execution).state)
        return {name.decode(): value for name, value in row.items()} or None

    async def execution(self, execution: ExecutionId) -> Execution | None:
        """Read an execution as the wire shows it."""
        row = await self.row(execution)
        return projection.execution(execution, row, now=self.clock()) if row else None

    async def holder(self, execution: ExecutionId) -> Holder | None:
        """Read who holds an execution."""
        names = ["state", "fence", "owner", "attempt", "offset"]
        row: Any = await self.redis.hmget(keys.execution(self.tenant, execution).state, names)
        if row[0] is None:
            return None
        return Holder(State(row[0].decode()), int(row[1]), row[2].decode(), int(row[3] or 0), int(row[4]))

    async def page(self, execution: ExecutionId, after: int, limit: int = 300) -> Page | None:
        """Read the events behind `after`, at most `limit`, and where the log stands."""
        reply = await self.scripts.page(keys.execution(self.tenant, execution), after, limit)
        if reply is None:
            return None
        epoch, last, first, entries = reply
        return Page(epoch.decode(), first, last, [(int(i.partition(b"-")[0]), fields[1]) for i, fields in entries])

    async def records(self, execution: ExecutionId) -> list[Record]:
        """Read every checkpoint of an execution, oldest first."""
        stored: Any = await self.redis.hgetall(keys.execution(self.tenant, execution).checkpoints)
        return sorted(_records(stored.items()), key=lambda record: (record.checkpoint.opened_at, record.checkpoint.id))

    async def checkpoint(self, execution: ExecutionId, ident: CheckpointId) -> Record | None:
        """Read one checkpoint."""
        raw: Any = await self.redis.hget(keys.execution(self.tenant, execution).checkpoints, ident)
        return checkpoint.read(raw) if raw else None

    async def checkpoints(self, execution: ExecutionId) -> list[Checkpoint]:
        """Read every checkpoint as the wire shows it: none is open once its execution has ended."""
        holder = await self.holder(execution)
        shown = [record.checkpoint for record in await self.records(execution)]
        return [checkpoint.withdrawn(c) for c in shown] if holder and holder.state in ENDS else shown

    async def open_checkpoints(self, execution: ExecutionId) -> list[Checkpoint]:
        """Read the checkpoints that wait for an answer."""
        return [c for c in await self.checkpoints(execution) if c.state is CheckpointState.OPEN]

    async def snapshot(self, execution: ExecutionId) -> Snapshot | None:
        """Read the whole of an execution, for a client whose position cannot be continued."""
        state = await self.execution(execution)
        if state is None:
            return None
        open_now = await self.open_checkpoints(execution)
        return Snapshot(execution=state, checkpoints=open_now, epoch=state.epoch, offset=state.offset)

    async def journal(self, execution: ExecutionId) -> dict[str, bytes]:
        """Read all that earlier attempts recorded."""
        stored: Any = await self.redis.hgetall(keys.execution(self.tenant, execution).journal)
        return {step.decode(): value for step, value in stored.items()}


def _records(items: Iterable[tuple[bytes, bytes]]) -> list[Record]:
    return [checkpoint.read(value) for name, value in items if not name.endswith(b":token")]
