"""The subscriber connection: confirmed, counted, and never deaf for long without saying so."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest
from redis.asyncio import Redis

from server.pubsub import PubSub, Times
from tests.support.edge import QUICK
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.gaps = 0
        self.ended = 0

    def deliver(self, payload: bytes) -> None:
        self.heard.append(payload)

    def missed(self) -> None:
        self.gaps += 1

    def dropped(self) -> None:
        self.ended += 1


@asynccontextmanager
async def running(redis: Redis, times: Times = QUICK) -> AsyncIterator[PubSub]:
    pubsub = PubSub(redis, times=times)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pubsub.run)
        yield pubsub
        tasks.cancel_scope.cancel()


def subscribers(redis: Redis, channel: str) -> Callable[[], Awaitable[bool]]:
    async def one() -> bool:
        counts = await redis.pubsub_numsub(channel)
        return counts[0][1] == 1

    return one


async def test_subscribe_returns_when_the_server_has_confirmed(redis: Redis) -> None:
    async with running(redis) as pubsub:
        ear = Ear()
        await pubsub.subscribe("a", ear)
        assert await redis.publish("a", b"1") == 1
        await wait_until(lambda: ear.heard == [b"1"], description="the message")
        assert ear.gaps == 0
        assert pubsub.age() < 5


async def test_subscribing_before_the_first_connection_waits_for_it(redis: Redis) -> None:
    pubsub, ear = PubSub(redis, times=QUICK), Ear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pubsub.subscribe, "a", ear)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(pubsub.run)
        await wait_until(subscribers(redis, "a"), description="the subscription")
        tasks.cancel_scope.cancel()


async def test_two_users_share_a_subscription_and_the_last_one_ends_it_after_a_while(redis: Redis) -> None:
    async with running(redis) as pubsub:
        ear = Ear()
        await pubsub.subscribe("a", ear)
        await pubsub.subscribe("a", ear)
        pubsub.release("a")
        await redis.publish("a", b"1")
        await wait_until(lambda: ear.heard == [b"1"], description="the other user hears on")
        pubsub.release("a")
        await redis.publish("a", b"2")
        await wait_until(lambda: ear.heard[-1:] == [b"2"], description="it lingers")
        await wait_until(lambda: ear.ended == 1, description="it ends")
        await wait_until(lambda: _nobody(redis, "a"), description="the server knows")
        await pubsub.subscribe("a", ear)
        assert await redis.publish("a", b"3") == 1


async def _nobody(redis: Redis, channel: str) -> bool:
    return not await subscribers(redis, channel)()


async def test_a_channel_has_one_listener(redis: Redis) -> None:
    async with running(redis) as pubsub:
        await pubsub.subscribe("a", Ear())
        with pytest.raises(ValueError, match="another listener"):
            await pubsub.subscribe("a", Ear())


async def test_a_killed_connection_is_noticed_replaced_and_told(redis: Redis) -> None:
    async with running(redis) as pubsub:
        ears = [Ear() for _ in range(1200)]
        async with anyio.create_task_group() as tasks:
            for number, ear in enumerate(ears):
                tasks.start_soon(pubsub.subscribe, f"c{number}", ear)
        assert await redis.client_kill_filter(_type="pubsub") == 1
        await wait_until(lambda: all(ear.gaps == 1 for ear in ears), description="every listener knows of the gap")
        for number in (0, 600, 1199):
            assert await redis.publish(f"c{number}", b"after") == 1
            await wait_until(lambda n=number: ears[n].heard == [b"after"], description="it hears again")


async def test_a_frozen_server_is_noticed(valkey: Valkey, impatient: Redis) -> None:
    async with running(impatient, replace(QUICK, confirm=0.3)) as pubsub:
        ear = Ear()
        await pubsub.subscribe("a", ear)
        valkey.send(signal.SIGSTOP)
        await wait_until(lambda: pubsub.reconnects > 0, description="the silence is noticed")
        assert not await pubsub.prove(0.2)
        with pytest.raises(TimeoutError):
            await pubsub.subscribe("b", Ear())
        valkey.send(signal.SIGCONT)
        await wait_until(lambda: ear.gaps == 1, description="the listener knows of the gap")
        assert await pubsub.prove(5)


async def test_a_subscription_at_a_server_that_takes_no_commands_is_left(redis: Redis, impatient: Redis) -> None:
    """So it is after a failover, when the old server lives on and nobody publishes there any more."""
    async with running(impatient) as pubsub:
        ear = Ear()
        await pubsub.subscribe("a", ear)
        pubsub._redis = redis
        await wait_until(lambda: ear.gaps == 1, description="the listener knows of the gap")
        await wait_until(subscribers(redis, "a"), description="the subscription at the other server")


async def test_a_restarted_server_is_subscribed_again(valkey: Valkey, impatient: Redis) -> None:
    async with running(impatient) as pubsub:
        ear = Ear()
        await pubsub.subscribe("a", ear)
        valkey.stop(signal.SIGKILL)
        valkey.start()
        await wait_until(lambda: ear.gaps == 1, description="the listener knows of the gap")
        await wait_until(subscribers(impatient, "a"), description="the subscription")


async def test_a_listener_that_fails_disturbs_nobody(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Ear):
        def deliver(self, payload: bytes) -> None:
            raise RuntimeError("broken listener")

    async with running(redis) as pubsub:
        broken, ear = Broken(), Ear()
        await pubsub.subscribe("broken", broken)
        await pubsub.subscribe("a", ear)
        await redis.publish("broken", b"1")
        await redis.publish("a", b"1")
        await wait_until(lambda: ear.heard == [b"1"], description="the other listener")
        assert broken.gaps == 1
        assert "broken listener" in caplog.text


async def test_proves_the_round_trip_and_unused_words_are_ignored(redis: Redis) -> None:
    async with running(redis) as pubsub:
        assert await pubsub.prove(10)
        assert await pubsub.prove(10)
        assert pubsub.age() < 5
