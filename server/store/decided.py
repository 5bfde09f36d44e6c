"""The checkpoints that were decided lately, or whose time ran out: a list that people look back on."""

from typing import Any

from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Checkpoint, CheckpointState
from server import keys
from server.checkpoint import read
from server.store.reader import Reader

#: More are not kept; an execution knows all of its own.
MOST = 1000
#: What counts as decided.
JUDGED = frozenset({CheckpointState.DECIDED, CheckpointState.EXPIRED})


class Decided(Reader):
    """Keep and read the list."""

    async def list_decided(self, checkpoint: Checkpoint) -> None:
        """List a checkpoint that is over, if it was judged; a second time changes nothing."""
        if checkpoint.state not in JUDGED:
            return
        name = keys.decided(self.tenant)
        async with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(name, {f"{checkpoint.execution}/{checkpoint.id}": self.clock() * 1000}, nx=True)
            pipeline.zremrangebyrank(name, 0, -MOST - 1)
            pipeline.pexpire(name, self.retention)
            await pipeline.execute()

    async def decided_page(self, begin: int, limit: int) -> tuple[list[Checkpoint], int | None]:
        """Read at most so many of them, the last decided first, and where the next ones begin, if there are any."""
        name = keys.decided(self.tenant)
        members: Any = await self.redis.zrevrange(name, begin, begin + limit)
        pairs = [member.decode().partition("/") for member in members[:limit]]
        async with self.redis.pipeline(transaction=False) as pipeline:
            for execution, _, ident in pairs:
                pipeline.hget(keys.execution(self.tenant, ExecutionId(execution)).checkpoints, CheckpointId(ident))
            records = await pipeline.execute()
        gone = [member for member, raw in zip(members, records, strict=False) if raw is None]
        if gone:
            await self.redis.zrem(name, *gone)
        found = [read(raw).checkpoint for raw in records if raw is not None]
        return found, begin + limit - len(gone) if len(members) > limit else None
