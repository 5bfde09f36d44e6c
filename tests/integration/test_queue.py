"""Handing over: what is asked for is done by a worker, once per offset, also after the one that took it has died."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from redis.asyncio import Redis

from server.queue import Queue
from tests.support.waiting import wait_until


@asynccontextmanager
async def worker(url: str, name: str, done: list[str]) -> AsyncIterator[None]:
    async def advance(member: str) -> bool:
        done.append(member)
        return True

    async with Queue(url, on_advance=advance) as queue, anyio.create_task_group() as group:
        group.start_soon(queue.run, name)
        yield
        group.cancel_scope.cancel()


async def test_what_is_asked_for_is_done(redis: Redis, redis_server: str) -> None:
    done: list[str] = []
    async with Queue(redis_server) as asking, worker(redis_server, "w", done):
        for offset in (1, 1, 2):
            await asking.advance("open/x_1", offset)
        await wait_until(lambda: len(done) >= 2, description="both offsets are done")
    assert set(done) == {"open/x_1"}


async def test_what_was_asked_for_while_nobody_was_there_is_done_later(redis: Redis, redis_server: str) -> None:
    async with Queue(redis_server) as asking:
        await asking.advance("open/x_1", 1)
    done: list[str] = []
    async with worker(redis_server, "w", done):
        await wait_until(lambda: done == ["open/x_1"], description="it is done")


async def test_another_worker_goes_on_with_what_a_stuck_one_took(redis: Redis, redis_server: str) -> None:
    taken = anyio.Event()

    async def stuck(_: str) -> bool:
        taken.set()
        await anyio.sleep_forever()
        return True

    done: list[str] = []
    async with Queue(redis_server, on_advance=stuck) as queue, anyio.create_task_group() as group:
        group.start_soon(queue.run, "stuck")
        await queue.advance("open/x_1", 1)
        with anyio.fail_after(10):
            await taken.wait()
        group.cancel_scope.cancel()
    async with worker(redis_server, "other", done):
        await wait_until(lambda: done == ["open/x_1"], description="the other does it", timeout=20)


async def test_what_a_full_worker_leaves_is_offered_to_others(redis: Redis, redis_server: str) -> None:
    offered: list[str] = []

    async def full(member: str) -> bool:
        offered.append(member)
        return len(offered) > 2

    async with Queue(redis_server, on_advance=full) as queue, anyio.create_task_group() as group:
        group.start_soon(queue.run, "full")
        await queue.advance("open/x_1", 1)
        await wait_until(lambda: len(offered) == 3, description="it is offered until it is taken")
        group.cancel_scope.cancel()
