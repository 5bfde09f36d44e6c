"""The journal: order, exactly once through outages, and nothing after the lease is lost."""

import signal
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from redis.asyncio import Redis

from protocol.events import AgentStarted, ExecutionCancelled, ExecutionRecovered
from server.journal import LeaseLost
from server.store import Store, Write
from server.store.client import connect
from tests.support.journaling import claimed, journal, said, steps
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until


async def test_what_many_threads_say_is_written_in_each_ones_order(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:

        def speak(name: int) -> None:
            for number in range(200):
                made.emit(said(name * 1000 + number))

        async with anyio.create_task_group() as group:
            for name in range(5):
                group.start_soon(anyio.to_thread.run_sync, speak, name)
        with anyio.fail_after(20):
            await made.outbox.drain()
    written = [int(step) for step in await steps(store, execution)]
    assert len(written) == 1000
    for name in range(5):
        assert [n for n in written if n // 1000 == name] == [name * 1000 + number for number in range(200)]


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
async def test_every_event_once_through_restarts_of_redis(short_path: Path, kill: signal.Signals) -> None:
    server = Valkey(short_path, durable=True)
    server.start()
    client = connect(server.url)
    store = Store(client)
    execution = await claimed(store)
    try:
        async with journal(store, execution) as made:

            async def speak() -> None:
                for number in range(3000):
                    made.emit(said(number))
                    await anyio.lowlevel.checkpoint()

            async with anyio.create_task_group() as group:
                group.start_soon(speak)
                for _ in range(3):
                    await anyio.to_thread.run_sync(server.stop, kill)
                    await anyio.to_thread.run_sync(server.start)
                    await made.append(AgentStarted(agent="after the restart"))
            with anyio.fail_after(30):
                await made.outbox.drain()
        assert [int(step) for step in await steps(store, execution)] == list(range(3000))
    finally:
        await client.aclose()
        server.stop(signal.SIGKILL)


async def test_a_batch_whose_answer_was_lost_is_not_applied_twice(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    real, lost = store.commit_all, [2]

    async def unlucky(*arguments: Any) -> Any:
        commits = await real(*arguments)
        if lost[0]:
            lost[0] -= 1
            raise ConnectionResetError("the answer is lost")
        return commits

    store.commit_all = unlucky  # type: ignore[method-assign,assignment] # only the answer is lost; the server did it all
    async with journal(store, execution) as made:
        for number in range(50):
            made.emit(said(number))
        with anyio.fail_after(10):
            await made.outbox.drain()
    assert [int(step) for step in await steps(store, execution)] == list(range(50))


async def test_after_the_scripts_are_lost_it_goes_on(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await made.append(said(1))
        await redis.script_flush()
        await made.append(said(2))
    assert await steps(store, execution) == ["1", "2"]


async def test_once_the_lease_is_lost_nothing_is_written(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await made.append(said(1))
        await store.commit(execution, Write(data=ExecutionRecovered(worker="v", attempt=2), fence=2, owner="v"))
        with pytest.raises(LeaseLost):
            await made.append(said(2))
        with pytest.raises(LeaseLost):
            await made.record("s", b"v", event=said(3))
        with pytest.raises(LeaseLost):
            await made.record("s", b"v")
        made.emit(said(4))
    assert await steps(store, execution) == ["1"]
    assert await store.journal(execution) == {}


async def test_after_a_cancel_nothing_is_written(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await store.commit(execution, Write(data=ExecutionCancelled()))
        with pytest.raises(LeaseLost):
            await made.append(said(1))
        await wait_until(lambda: made.outbox.lost, description="the outbox knows")
    assert await steps(store, execution) == []
