"""No watcher loses, doubles or misorders an event, whatever happens to Redis meanwhile."""

import random
import signal
from dataclasses import replace

import anyio
import pytest
from redis.asyncio import Redis

from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId, Position
from server import keys
from server.recovery import After
from tests.support.edge import QUICK, Edge, Memory, running_edge
from tests.support.edge_log import event_template
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

X = ExecutionId("x_1")


async def watch(edge: Edge, after: After = "start", execution: ExecutionId = X) -> Memory:
    outlet = Memory()
    watching, found = await edge.hub.watch(keys.OPEN_TENANT, execution, outlet, after)
    watching.begin(found)
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
            outlets.append(await watch(edge))

        moments = sorted(random.randint(1, 3500) for _ in range(100))
        written = 1
        while written < 4000:
            await edge.log.append_many(X, 7)
            written += 7
            while moments and moments[0] <= written:
                moments.pop(0)
                tasks.start_soon(join)
        expected = list(range(1, written + 1))
        await wait_until(lambda: len(outlets) == 100, description="all have joined", timeout=60)
        for outlet in outlets:
            await wait_until(lambda o=outlet: o.offsets(X)[-1:] == expected[-1:], description="the last event")
            assert outlet.offsets(X) == expected


async def test_resumes_behind_a_position(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 10)
        outlet = await watch(edge, Position("e1", 7))
        await synced(outlet)
        assert outlet.offsets(X) == [8, 9, 10]


async def test_a_killed_subscription_loses_nothing(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append(X)
        outlets = [await watch(edge) for _ in range(5)]
        for _ in range(20):
            await edge.log.append_many(X, 50)
            await redis.client_kill_filter(_type="pubsub")
            await edge.log.append_many(X, 50)
        for outlet in outlets:
            await wait_until(lambda o=outlet: o.offsets(X)[-1:] == [2001], description="the last event")
            assert outlet.offsets(X) == list(range(1, 2002))
        assert edge.hub.snapshots == 0


async def test_the_last_event_before_a_silence_is_repaired_without_another_one(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append(X)
        outlet = await watch(edge)
        await synced(outlet)
        await redis.client_kill_filter(_type="pubsub")
        assert await edge.log.append(X) == 0, "nobody heard it"
        await wait_until(lambda: outlet.offsets(X) == [1, 2], description="the event that nobody heard")


async def test_a_frozen_redis_loses_nothing(valkey: Valkey, impatient: Redis) -> None:
    async with running_edge(impatient, times=replace(QUICK, confirm=0.5)) as edge:
        await edge.log.append_many(X, 3)
        outlet = await watch(edge)
        await synced(outlet)
        reconnects = edge.pubsub.reconnects
        valkey.send(signal.SIGSTOP)
        await wait_until(lambda: edge.pubsub.reconnects > reconnects, description="the silence is noticed")
        with pytest.raises(Refused) as refused:
            await watch(edge, execution=ExecutionId("x_other"))
        assert refused.value.code == ErrorCode.UNAVAILABLE
        valkey.send(signal.SIGCONT)
        await edge.log.append_many(X, 3)
        await wait_until(lambda: outlet.offsets(X) == [1, 2, 3, 4, 5, 6], description="all events")


async def test_a_restarted_redis_loses_nothing(valkey: Valkey, impatient: Redis) -> None:
    async with running_edge(impatient) as edge:
        await edge.log.append_many(X, 3)
        outlet = await watch(edge)
        await synced(outlet)
        valkey.stop(signal.SIGKILL)
        valkey.start()
        await edge.log.append_many(X, 3)
        await wait_until(lambda: outlet.offsets(X) == [1, 2, 3, 4, 5, 6], description="all events")


async def test_a_log_that_began_anew_is_answered_with_a_snapshot(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 5)
        outlet = await watch(edge)
        await synced(outlet)
        await edge.log.forget(X)
        for _ in range(7):
            await edge.log.append(X, epoch="e2")
        await wait_until(lambda: outlet.offsets(X)[-1:] == [7] or at_rest(outlet, 7), description="the new log")
        snapshot = next(frame for frame in outlet.frames if frame["type"] == "snapshot")
        assert snapshot["epoch"] == "e2"
        assert outlet.offsets(X) == [1, 2, 3, 4, 5, *range(snapshot["offset"] + 1, 8)]


def at_rest(outlet: Memory, offset: int) -> bool:
    return bool(outlet.frames[-1]["type"] == "snapshot" and outlet.frames[-1]["offset"] == offset)


async def test_a_position_of_another_epoch_is_answered_with_a_snapshot(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 5)
        outlet = await watch(edge, Position("e0", 3))
        await synced(outlet)
        assert outlet.kinds() == ["snapshot", "synced"]
        await edge.log.append(X)
        await wait_until(lambda: outlet.offsets(X) == [6], description="live again")


async def test_a_trimmed_log_is_answered_with_a_snapshot(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 9)
        await edge.log.trim(X, 5)
        outlet = await watch(edge, Position("e1", 2))
        await synced(outlet)
        assert [frame["offset"] for frame in outlet.frames] == [9, 9]
        kept = await watch(edge, Position("e1", 4))
        await synced(kept)
        assert kept.offsets(X) == [5, 6, 7, 8, 9]


async def test_an_execution_that_vanishes_is_reported(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append(X)
        outlet = await watch(edge)
        await synced(outlet)
        await edge.log.forget(X)
        await redis.client_kill_filter(_type="pubsub")
        await wait_until(lambda: "error" in outlet.kinds(), description="the report")
        assert outlet.frames[-1]["code"] == "not_found"
        assert outlet.frames[-1]["detail"] == {"execution": X}


async def test_an_execution_that_does_not_exist_is_refused(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        with pytest.raises(Refused) as refused:
            await watch(edge)
        assert refused.value.code == ErrorCode.NOT_FOUND
        await wait_until(lambda: edge.hub.channels == 0, description="nothing is left of it")


async def test_a_watcher_ahead_of_this_process_gets_only_what_is_new(redis: Redis) -> None:
    """Its position comes from another process, which heard of events that this one has not heard of yet."""
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 3)
        first = await watch(edge)
        await synced(first)
        await edge.log.append(X, quiet=True)
        second = await watch(edge, Position("e1", 4))
        await synced(second)
        assert first.offsets(X) == [1, 2, 3, 4], "what this process missed was found on the way"
        await edge.log.append(X)
        await wait_until(lambda: second.offsets(X) == [5], description="only what is new")


async def test_deltas_go_to_who_is_live_and_hold_up_nothing(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append(X)
        outlet = await watch(edge)
        await synced(outlet)
        delta = b'{"type":"delta","execution":"x_1","stream":"s","index":0,"text":"Hi"}'
        await redis.publish(keys.channel(keys.OPEN_TENANT, X), b"\n" + delta)
        await edge.log.append(X)
        await wait_until(lambda: outlet.offsets(X) == [1, 2], description="the event")
        assert outlet.kinds()[-2:] == ["delta", "journal.missed"]


async def test_who_joins_in_the_middle_of_a_stream_gets_its_text_from_the_beginning(redis: Redis) -> None:
    def delta(index: int, stream: str = "s") -> bytes:
        return b'\n{"type":"delta","execution":"x_1","stream":"%s","index":%d,"text":"t"}' % (stream.encode(), index)

    async with running_edge(redis) as edge:
        await edge.log.append(X)
        first = await watch(edge)
        await synced(first)
        for message in (delta(0), delta(1), delta(3, "headless"), delta(2)):
            await redis.publish(keys.channel(keys.OPEN_TENANT, X), message)
        await wait_until(lambda: len(first.frames) == 6, description="the deltas")
        second = await watch(edge)
        await synced(second)
        assert second.kinds() == ["journal.missed", "delta", "delta", "delta", "synced"]
        assert [frame["index"] for frame in second.frames[1:4]] == [0, 1, 2]
        completed = '{"call":"c","stream":"s","model":"m"}'
        await edge.log.append(X, event_template(X, "llm.completed", completed))
        await wait_until(lambda: first.offsets(X) == [1, 2], description="the whole text")
        third = await watch(edge)
        await synced(third)
        assert "delta" not in third.kinds()


async def test_garbage_on_a_channel_is_survived(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append(X)
        outlet = await watch(edge)
        await synced(outlet)
        for garbage in (b"garbage", b"1\n{}", b"one e1\n{}", b"1 e1\n{}", b"99 e1\n{}"):
            await redis.publish(keys.channel(keys.OPEN_TENANT, X), garbage)
        await edge.log.append(X)
        await wait_until(lambda: outlet.offsets(X)[-1:] == [2], description="the event")
        assert outlet.offsets(X) == [1, 2]


async def test_a_closed_watch_hears_nothing_and_the_channel_is_forgotten(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await edge.log.append_many(X, 2000)
        outlet = Memory()
        watching, found = await edge.hub.watch(keys.OPEN_TENANT, X, outlet, "start")
        watching.begin(found)
        watching.close()
        await wait_until(lambda: edge.hub.channels == 0, description="the channel is forgotten")
        await wait_until(lambda: nobody_hears(edge), description="the subscription ended")
        assert "synced" not in outlet.kinds()


async def nobody_hears(edge: Edge) -> bool:
    return await edge.log.append(X) == 0
