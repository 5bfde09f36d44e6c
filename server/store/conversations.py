"""Conversations: what follows each other in one thread of talk. Derived from executions, and gone when these are.

An execution that was started without a conversation is one of its own, under its own id, and others may follow in it.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from redis.asyncio.client import Pipeline

from protocol.events import ExecutionQueued
from protocol.frames import timestamp
from protocol.ids import ConversationId, ExecutionId
from protocol.objects import Conversation
from server import keys
from server.store import cursors
from server.store.reader import Reader

#: A conversation is forgotten so long after its last execution was made and could have been dropped, in milliseconds.
LONGEST_WAIT = 400 * 86_400_000
#: Conversations that are read in one round trip, and the newest executions of each that are looked at.
BATCH = 50
NEWEST = 100
#: Conversations looked through for one page.
SCAN_LIMIT = 2_000
FIRST = ("title", "created_at", "conversation")


class Talk(NamedTuple):
    """A conversation, and the cursor that continues behind it."""

    conversation: Conversation
    cursor: str


class Conversations(Reader):
    """Keep and read conversations."""

    def keep_conversation(
        self, pipeline: Pipeline, execution: ExecutionId, queued: ExecutionQueued, now: float
    ) -> None:
        """List the conversation of an execution that is made now (milliseconds); it keeps its first title."""
        ident = queued.conversation or execution
        listed, kept_for = keys.conversations(self.tenant), self.retention + LONGEST_WAIT
        pipeline.zadd(listed, {ident: now})
        pipeline.zremrangebyscore(listed, "-inf", now - kept_for)
        pipeline.pexpire(listed, kept_for)
        if queued.conversation is None:
            return
        members, about = keys.conversation(self.tenant, ident), keys.about(self.tenant, ident)
        pipeline.zadd(members, {execution: now})
        pipeline.hsetnx(about, "title", queued.title)
        pipeline.hsetnx(about, "created_at", timestamp(now / 1000))
        pipeline.pexpire(members, kept_for)
        pipeline.pexpire(about, kept_for)

    async def conversations(self, cursor: str | None) -> AsyncIterator[Talk]:
        """Read conversations, the one that was last spoken in first, from behind a cursor."""
        score, seen = cursors.read(cursor)
        scanned = 0
        while scanned < SCAN_LIMIT:
            rows: Any = await self.redis.zrevrangebyscore(
                keys.conversations(self.tenant), score, "-inf", start=0, num=BATCH + len(seen), withscores=True
            )
            fresh = [(ident.decode(), at) for ident, at in rows if ident.decode() not in seen]
            if not fresh:
                return
            scanned += len(fresh)
            for talk in await self._talks(fresh):
                yield talk
            score = fresh[-1][1]
            seen = {ident for ident, at in [*((name, score) for name in seen), *fresh] if at == score}

    async def _talks(self, listed: Sequence[tuple[str, float]]) -> list[Talk]:
        """Read those that still have an execution, and drop the others."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            for ident, _ in listed:
                members = keys.conversation(self.tenant, ident)
                pipeline.zrevrange(members, 0, NEWEST - 1)
                pipeline.zcard(members)
                pipeline.hmget(keys.about(self.tenant, ident), list(FIRST[:2]))
                pipeline.hmget(keys.execution(self.tenant, ExecutionId(ident)).state, list(FIRST))
            replies: list[Any] = await pipeline.execute()
        rows = [
            Row(ident, at, [name.decode() for name in replies[4 * n]], *replies[4 * n + 1 : 4 * n + 4])
            for n, (ident, at) in enumerate(listed)
        ]
        alive = await self._alive([name for row in rows for name in row.newest])
        found = [(row, row.shown(alive)) for row in rows]
        await self._forget([row for row, talk in found if talk is None])
        return [talk for _, talk in found if talk is not None]

    async def _alive(self, executions: Sequence[str]) -> set[str]:
        async with self.redis.pipeline(transaction=False) as pipeline:
            for name in executions:
                pipeline.exists(keys.execution(self.tenant, ExecutionId(name)).state)
            replies = await pipeline.execute()
        return {name for name, there in zip(executions, replies, strict=True) if there}

    async def _forget(self, rows: Sequence["Row"]) -> None:
        """Drop what is over. One that is about to have an execution is listed again when that is there."""
        if not rows:
            return
        async with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.zrem(keys.conversations(self.tenant), *(row.ident for row in rows))
            for row in rows:
                pipeline.delete(keys.conversation(self.tenant, row.ident), keys.about(self.tenant, row.ident))
            await pipeline.execute()


class Row(NamedTuple):
    """What is stored of a conversation; `alone` is the execution of its name, if there is one."""

    ident: str
    at: float
    newest: list[str]
    total: int
    about: list[bytes | None]
    alone: list[bytes | None]

    def shown(self, alive: set[str]) -> Talk | None:
        """Make the object of the wire; nothing when none of its executions is left."""
        left = [name for name in self.newest if name in alive]
        begun = [value for value in self.alone[:2] if value is not None] if self.alone[2] is None else []
        latest = left[0] if left else self.ident if begun else None
        first = begun or [value for value in self.about if value is not None]
        if latest is None or not first:
            return None
        conversation = Conversation(
            id=ConversationId(self.ident),
            title=first[0].decode(),
            created_at=first[1].decode(),
            updated_at=timestamp(self.at / 1000),
            executions=self.total - len(self.newest) + len(left) + bool(begun),
            latest=ExecutionId(latest),
        )
        return Talk(conversation, cursors.written(self.at, self.ident))
