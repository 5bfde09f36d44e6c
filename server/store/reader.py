"""Reading executions, their logs, checkpoints and journals."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from protocol.frames import Snapshot
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Actor, Checkpoint, CheckpointState, Execution, State
from server import checkpoint, keys, projection
from server.checkpoint import Record
from server.execution import ENDS
from server.recovery import Page
from server.store.base import Base


class Holder(NamedTuple):
    """Who may write to an execution."""

    state: State
    fence: int
    owner: str
    attempt: int
    offset: int
    #: Workers that died with it since a task of it last came on.
    crashes: int
    crew: str
    #: The checkpoints that all of it waited for when it was parked.
    waiting_for: tuple[CheckpointId, ...]


HOLDER = ("state", "fence", "owner", "attempt", "offset", "crashes", "crew", "waiting_for")


class Kept(NamedTuple):
    """All that an attempt at an execution needs to know, read at one moment."""

    holder: Holder
    #: The trace that it belongs to, as a `traceparent`, or nothing.
    trace: str
    inputs: dict[str, Any]
    checkpoints: list[str]
    records: list[Record]
    journal: dict[str, bytes]


class Reader(Base):
    """Read executions."""

    async def row(self, execution: ExecutionId) -> dict[str, bytes] | None:
        """Read the state hash, or nothing."""
        row: Any = await self.redis.hgetall(keys.execution(self.tenant, execution).state)
        return {name.decode(): value for name, value in row.items()} or None

    async def view(self, execution: ExecutionId) -> tuple[Execution, list[Checkpoint]] | None:
        """Read an execution and all its checkpoints as the wire shows them, at one moment."""
        names = keys.execution(self.tenant, execution)
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.hgetall(names.state)
            pipeline.hgetall(names.checkpoints)
            row, stored = await pipeline.execute()
        if not row:
            return None
        shown = projection.execution(execution, {k.decode(): v for k, v in row.items()}, now=self.clock())
        checkpoints = [record.checkpoint for record in _records(stored)]
        return shown, [checkpoint.withdrawn(c) for c in checkpoints] if shown.state in ENDS else checkpoints

    async def holder(self, execution: ExecutionId) -> Holder | None:
        """Read who holds an execution."""
        row: Any = await self.redis.hmget(keys.execution(self.tenant, execution).state, list(HOLDER))
        return None if row[0] is None else _holder(row)

    async def owner(self, execution: ExecutionId) -> str | None:
        """Read the id of who started an execution: "" when nobody is known; None when there is no such execution."""
        state, by = await self.redis.hmget(keys.execution(self.tenant, execution).state, ["state", "by"])
        if state is None:
            return None
        return msgspec.json.decode(by, type=Actor).id if by else ""

    async def trace(self, execution: ExecutionId) -> str:
        """Read the trace that an execution belongs to."""
        found: Any = await self.redis.hget(keys.execution(self.tenant, execution).state, "trace")
        return (found or b"").decode()

    async def kept(self, execution: ExecutionId) -> Kept | None:
        """Read all that an attempt needs, in one round trip."""
        names = keys.execution(self.tenant, execution)
        async with self.redis.pipeline(transaction=True) as pipeline:
            for name in (names.state, names.checkpoints, names.journal):
                pipeline.hgetall(name)
            row, checkpoints, journal = await pipeline.execute()
        if not row:
            return None
        return Kept(
            holder=_holder([row.get(name.encode()) for name in HOLDER]),
            trace=row.get(b"trace", b"").decode(),
            inputs=msgspec.json.decode(row[b"inputs"]),
            checkpoints=msgspec.json.decode(row[b"checkpoints"]),
            records=_records(checkpoints),
            journal=_journal(journal),
        )

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
        return _records(stored)

    async def checkpoint(self, execution: ExecutionId, ident: CheckpointId) -> Record | None:
        """Read one checkpoint."""
        raw: Any = await self.redis.hget(keys.execution(self.tenant, execution).checkpoints, ident)
        return checkpoint.read(raw) if raw else None

    async def any_closed(self, execution: ExecutionId, idents: Sequence[CheckpointId]) -> bool:
        """Tell whether one of these checkpoints waits for an answer no more."""
        found: Any = await self.redis.hmget(keys.execution(self.tenant, execution).checkpoints, list(idents))
        records = [checkpoint.read(raw) for raw in found if raw]
        return any(record.checkpoint.state is not CheckpointState.OPEN for record in records)

    async def open_checkpoints(self, execution: ExecutionId) -> list[Checkpoint]:
        """Read the checkpoints that wait for an answer."""
        view = await self.view(execution)
        return [c for c in view[1] if c.state is CheckpointState.OPEN] if view else []

    async def snapshot(self, execution: ExecutionId) -> Snapshot | None:
        """Read the whole of an execution, for a client whose position cannot be continued."""
        view = await self.view(execution)
        if view is None:
            return None
        state, checkpoints = view
        open_now = [c for c in checkpoints if c.state is CheckpointState.OPEN]
        return Snapshot(execution=state, checkpoints=open_now, epoch=state.epoch, offset=state.offset)

    async def journal(self, execution: ExecutionId) -> dict[str, bytes]:
        """Read all that earlier attempts recorded, each value without the offset that it was written at."""
        stored: Any = await self.redis.hgetall(keys.execution(self.tenant, execution).journal)
        return _journal(stored)


def _holder(row: Sequence[bytes | None]) -> Holder:
    state, fence, owner, attempt, offset, crashes, crew, waiting_for = (value or b"" for value in row)
    return Holder(
        state=State(state.decode()),
        fence=int(fence),
        owner=owner.decode(),
        attempt=int(attempt or 0),
        offset=int(offset),
        crashes=int(crashes or 0),
        crew=crew.decode(),
        waiting_for=tuple(CheckpointId(ident) for ident in waiting_for.decode().split()),
    )


def _journal(stored: Mapping[bytes, bytes]) -> dict[str, bytes]:
    return {step.decode(): value.partition(b":")[2] for step, value in stored.items()}


def _records(stored: Mapping[bytes, bytes]) -> list[Record]:
    records = [checkpoint.read(value) for name, value in stored.items() if not name.endswith(b":token")]
    return sorted(records, key=lambda record: (record.checkpoint.opened_at, record.checkpoint.id))
