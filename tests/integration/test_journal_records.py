"""Records of a journal: written with their event, kept small, and as long as their execution."""

from datetime import timedelta

import anyio.to_thread
from redis.asyncio import Redis

from protocol.events import ExecutionCancelled
from server import keys
from server.journal.values import unpack
from server.store import Store, Write
from tests.support.journaling import claimed, journal, said, steps


async def test_a_record_and_its_event_come_together(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await made.record("t0/output", b"text", event=said(1))
        await made.record("t0/draft", b"draft")
        assert made.recall("t0/output") == b"text"
    stored = await store.journal(execution)
    assert {step: unpack(value) for step, value in stored.items()} == {"t0/output": b"text", "t0/draft": b"draft"}
    assert await steps(store, execution) == ["1"]


async def test_what_is_large_is_kept_small_and_comes_back_whole(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    small, large = b"x" * 65_536, b"The tide table of Sunda Kelapa. " * 4000
    async with journal(store, execution) as made:
        await made.record("small", small)
        await made.record("large", large)
        await anyio.to_thread.run_sync(made.record_now, "from a thread", large)
    stored = await store.journal(execution)
    assert {step: unpack(value) for step, value in stored.items()} == {
        "small": small, "large": large, "from a thread": large,
    }  # fmt: skip
    assert len(stored["small"]) > len(small)
    assert len(stored["large"]) == len(stored["from a thread"]) < len(large) / 10


async def test_it_is_dropped_with_its_execution(redis: Redis) -> None:
    """As long as the execution is kept, and not longer."""
    store = Store(redis, retention=timedelta(minutes=10))
    execution = await claimed(store)
    names = keys.execution(store.tenant, execution)
    async with journal(store, execution) as made:
        await made.record("t0/output", b"text")
    assert await redis.ttl(names.journal) == -1
    await store.commit(execution, Write(data=ExecutionCancelled()))
    left = {name: await redis.ttl(name) for name in (names.state, names.log, names.journal)}
    assert all(590 < seconds <= 600 for seconds in left.values()), left
