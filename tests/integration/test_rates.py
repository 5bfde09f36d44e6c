"""Rate limits on a real Valkey: several processes count together, and each name by itself."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from protocol.commands import Get, Start
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server.auth import Role
from server.auth.doorman import Doorman
from server.quota import Limits
from server.rates import ADDRESS, Rates
from server.store.apikeys import ApiKeys
from server.store.counters import Counters
from server.store.tickets import Tickets
from tests.support.doors import ASKING
from tests.support.tokens import token
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

READ = Get(execution=ExecutionId("x_1"))
START = Start(crew="story")


@pytest.fixture
def address() -> Iterator[None]:
    """Come from somewhere."""
    token = ADDRESS.set("203.0.113.9")
    yield
    ADDRESS.reset(token)


def limits(*parts: str) -> Limits:
    return Limits.read(parts)


async def refused(awaited: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await awaited
    return caught.value


async def test_two_processes_count_together(redis: Redis) -> None:
    here, there = [Rates(Counters(redis), limits("starts=3/minute")) for _ in range(2)]
    for rates in (here, there, here):
        await rates.check(START, "ann")
    refusal = await refused(there.check(START, "ann"))
    assert refusal.code is ErrorCode.RATE_LIMITED
    assert refusal.message == "Too many starts: at most 3 per 1 minute from one principal."
    assert refusal.retry_after is not None
    assert 1 <= refusal.retry_after <= 120
    await there.check(READ, "ann")
    await there.check(START, "bob")


@pytest.mark.usefixtures("address")
async def test_an_address_counts_whoever_comes_from_it(redis: Redis) -> None:
    rates = Rates(
        Counters(redis), limits("commands=100/minute", "address.commands=3/minute", "address.connects=1/minute")
    )
    for name in ("ann", "bob", ""):
        await rates.check(READ, name)
    assert "one address" in (await refused(rates.check(READ, "eve"))).message
    await rates.connect()
    assert "Too many connects" in (await refused(rates.connect())).message
    ADDRESS.set("203.0.113.10")
    await rates.check(READ, "eve")
    await rates.connect()


async def test_nothing_is_counted_where_nothing_is_limited(redis: Redis) -> None:
    rates = Rates(Counters(redis), None)
    for _ in range(1000):
        await rates.check(START, "ann")
    assert await redis.keys("qd:rate*") == []


def wrong(redis: Redis, *parts: str) -> Doorman:
    """Make the doorman of one process."""
    return Doorman(ASKING, ApiKeys(redis), Tickets(redis), attempts=Rates(Counters(redis), limits(*parts)))


@pytest.mark.usefixtures("address")
async def test_who_fails_too_often_to_say_who_they_are_is_told_to_wait(redis: Redis) -> None:
    """By whatever they show, with all processes together."""
    here, there = (wrong(redis, "address.failures=4/minute") for _ in range(2))
    for failing in (here.admit("qdk_none"), here.redeem("qdt_none"), there.admit(token(exp=1)), there.admit("x")):
        assert (await refused(failing)).code is ErrorCode.UNAUTHENTICATED
    for door in (here, there):
        for refusing in (door.admit("x"), door.admit("qdk_none"), door.redeem("qdt_none")):
            refusal = await refused(refusing)
            assert refusal.code is ErrorCode.RATE_LIMITED
            assert "4 per 1 minute from one address" in refusal.message
            assert refusal.retry_after is not None
            assert 1 <= refusal.retry_after <= 120
        assert (await refused(door.admit(""))).code is ErrorCode.UNAUTHENTICATED, (
            "who shows nothing has guessed nothing"
        )
    ADDRESS.set("203.0.113.10")
    assert (await refused(here.admit("x"))).code is ErrorCode.UNAUTHENTICATED


@pytest.mark.usefixtures("address")
async def test_what_is_good_opens_however_often_others_fail_there(redis: Redis) -> None:
    """Behind a proxy that nobody trusts, all come from one address: who fails there must not lock out the others."""
    door = wrong(redis, "address.failures=1/hour")
    key, _ = await ApiKeys(redis).create("nightly", "kopi", [Role.OPERATOR])
    for _ in range(3):
        await refused(door.admit("x"))
    assert (await refused(door.admit("x"))).code is ErrorCode.RATE_LIMITED
    session = await door.admit(token())
    assert session.principal.id == "rara"
    assert (await door.admit(key)).principal.name == "nightly"
    ticket = await Tickets(redis).issue(session)
    assert (await door.redeem(ticket)).principal.id == "rara"
    assert (await refused(door.redeem(ticket))).code is ErrorCode.RATE_LIMITED, "it was good once"


@pytest.mark.usefixtures("address")
async def test_the_log_says_who_failed_and_not_what_they_showed(redis: Redis) -> None:
    door = wrong(redis, "address.failures=3/minute")
    secrets = ["qdk_a-secret", token(exp=1), "a-secret"]
    with capture_logs() as lines:
        for secret in [*secrets, "qdk_one-more"]:
            await refused(door.admit(secret))
        await refused(door.admit(""))
    assert [(line["event"], line["log_level"]) for line in lines] == [("auth.failed", "warning")] * 3
    assert "expired" in lines[1]["reason"]
    assert not [secret for secret in secrets if secret.removeprefix("qdk_") in repr(lines)]


@pytest.mark.usefixtures("address")
async def test_who_shows_what_is_good_is_not_counted(redis: Redis) -> None:
    door = wrong(redis, "address.failures=1/minute")
    for _ in range(5):
        await door.admit(token())
    assert await redis.keys("qd:rate*") == []


@pytest.mark.usefixtures("address")
async def test_a_failure_is_forgotten_when_its_time_is_over(redis: Redis) -> None:
    door = wrong(redis, "address.failures=1 per 3 seconds")
    assert (await refused(door.admit("x"))).code is ErrorCode.UNAUTHENTICATED
    assert (await refused(door.admit("x"))).code is ErrorCode.RATE_LIMITED

    async def told_why() -> bool:
        return (await refused(door.admit("x"))).code is ErrorCode.UNAUTHENTICATED

    await wait_until(told_why, description="it is told again what is wrong", timeout=30)


@pytest.mark.parametrize("hurt", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_redis_that_is_away_limits_nothing(valkey: Valkey, impatient: Redis, hurt: signal.Signals) -> None:
    rates = Rates(Counters(impatient), limits("starts=1/minute"))
    await rates.check(START, "ann")
    valkey.send(hurt)
    await rates.check(START, "ann")
    valkey.send(signal.SIGCONT)
