"""No watcher loses, doubles or misorders an event, whatever happens to Redis meanwhile."""

import random

import anyio
from redis.asyncio import Redis

from protocol.ids import ExecutionId, Position
from server.recovery import After
from tests.support.edge import Edge, Memory, running_edge
from tests.support.waiting import wait_until

X = ExecutionId("x_1")


async def watch(edge: Edge, after: After = "start", execution: ExecutionId = X) -> Memory:
    outlet = Memory()
    watching = await edge.hub.watch(execution, outlet, after)
    watching.begin()
    return outlet


async def synced(outlet: Memory) -> None:
    await wait_until(lambda: "synced" in outlet.kinds(), description="the watcher is live")


async def test_replays_the_log_then_says_synced_then_goes_on_live(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 700)
        outlet = await watch(edge)
        await synced(outlet)
        assert outlet.offsets(X) == list(range(1, 701))
        assert outlet.frames[-1] == {"type": "synced", "execution": X, "epoch": "e1", "offset": 700}
        await edge.log.append(X)
        await wait_until(lambda: outlet.offsets(X)[-1] == 701, description="the live event")


async def test_a_hundred_joiners_during_four_thousand_events_lose_nothing(redis: Redis) -> None:
    async with running_edge(redis) as edge, anyio.create_task_group() as tasks:
        await edge.log.append(X)
        outlets: list[Memory] = []

        async def join() -> None:
            at = random.randint(1, 3500)
            await wait_until(lambda: written >= at, description="the moment to join")
            outlets.append(await watch(edge))

        for _ in range(100):
            tasks.start_soon(join)
        written = 1
        while written < 4000:
            await edge.log.append_many(X, 7)
            written += 7
        expected = list(range(1, written + 1))
        await wait_until(lambda: len(outlets) == 100, description="all have joined")
        for outlet in outlets:
            await wait_until(lambda o=outlet: o.offsets(X)[-1:] == expected[-1:], description="the last event")
            assert outlet.offsets(X) == expected


async def test_resumes_behind_a_position(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 10)
        outlet = await watch(edge, Position("e1", 7))
        await synced(outlet)
        assert outlet.offsets(X) == [8, 9, 10]
