"""API keys and tickets in a real Valkey: what is kept of them, how they end, and that a ticket is good once."""

import time

import anyio
import pytest
from redis.asyncio import Redis

from protocol.errors import ErrorCode, Refused
from server.auth import Principal, Role, Session
from server.store.apikeys import NOTED_EVERY, ApiKeys
from server.store.tickets import LIFE, Tickets
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

RARA = Session(Principal("rara", "Rara", "kopi", frozenset({Role.OPERATOR, Role.VIEWER})), time.time() + 600, "digest")


async def everything(redis: Redis) -> str:
    """Write out all that is in Redis."""
    names = await redis.keys("*")
    texts = [await redis.get(name) for name in names if await redis.type(name) == b"string"]
    hashes = [await redis.hgetall(name) for name in names if await redis.type(name) == b"hash"]
    return repr((names, texts, hashes))


async def test_a_key_is_kept_as_a_digest_only(redis: Redis) -> None:
    apikeys = ApiKeys(redis)
    secret, made = await apikeys.create("nightly", "kopi", [Role.OPERATOR])
    assert secret.startswith("qdk_")
    assert len(secret) == 47
    assert secret.removeprefix("qdk_") not in await everything(redis)
    session = await apikeys.find(secret)
    assert session is not None
    assert session.principal == Principal(made.id, "nightly", "kopi", frozenset({Role.OPERATOR}))
    assert session.ends is None
    for other in (secret[:-1], secret + "x", "qdk_", made.id, f"qdk_{session.apikey}"):
        assert await apikeys.find(other) is None


async def test_keys_are_listed_and_revoked_by_their_ids(redis: Redis) -> None:
    apikeys = ApiKeys(redis)
    assert await apikeys.list() == []
    first, one = await apikeys.create("one", "kopi", [Role.VIEWER])
    second, two = await apikeys.create("two", "teh", [Role.ADMIN, Role.VIEWER], seconds=60)
    assert [key.name for key in await apikeys.list()] == ["one", "two"]
    digests = {s.apikey for s in [await apikeys.find(first), await apikeys.find(second)] if s}
    assert await apikeys.living(digests) == digests
    assert await apikeys.revoke(one.id)
    assert not await apikeys.revoke(one.id)
    assert await apikeys.find(first) is None
    assert len(await apikeys.living(digests)) == 1
    assert await apikeys.living([]) == set()
    assert [key.id for key in await apikeys.list()] == [two.id]


async def test_a_key_ends_by_itself_and_leaves_nothing(redis: Redis) -> None:
    apikeys = ApiKeys(redis)
    secret, made = await apikeys.create("short", "kopi", [Role.VIEWER], seconds=0.2)
    session = await apikeys.find(secret)
    assert session is not None
    assert session.ends == made.expires

    async def ended() -> bool:
        return await apikeys.find(secret) is None

    await wait_until(ended, description="the key has ended")
    assert await apikeys.list() == []
    assert await redis.keys("*") == []


async def test_when_a_key_was_last_used_is_known_to_the_minute(redis: Redis) -> None:
    now = [time.time()]
    apikeys = ApiKeys(redis, clock=lambda: now[0])
    secret, _ = await apikeys.create("k", "kopi", [Role.VIEWER])
    assert (await apikeys.list())[0].last_used is None
    first = now[0]
    for later in (0.0, NOTED_EVERY / 2, NOTED_EVERY + 1):
        now[0] = first + later
        await apikeys.find(secret)
        expected = first + (later if later > NOTED_EVERY else 0)
        assert (await apikeys.list())[0].last_used == pytest.approx(expected, abs=1)


async def test_a_redis_that_is_full_still_knows_the_keys(redis: Redis) -> None:
    apikeys = ApiKeys(redis)
    secret, _ = await apikeys.create("k", "kopi", [Role.VIEWER])
    await redis.config_set("maxmemory", "1")
    try:
        assert await apikeys.find(secret) is not None
    finally:
        await redis.config_set("maxmemory", "0")


async def test_a_ticket_is_good_once(redis: Redis) -> None:
    tickets = Tickets(redis)
    ticket = await tickets.issue(RARA)
    assert ticket.startswith("qdt_")
    assert ticket.removeprefix("qdt_") not in await everything(redis)
    (name,) = await redis.keys("*")
    assert 0 < await redis.ttl(name) <= LIFE
    taken: list[Session | None] = []

    async def take() -> None:
        taken.append(await tickets.redeem(ticket))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(take)
    assert [session for session in taken if session] == [RARA]
    assert await redis.keys("*") == []


async def test_a_ticket_does_not_outlast_its_session(redis: Redis) -> None:
    now = [time.time()]
    tickets = Tickets(redis, clock=lambda: now[0])
    short = Session(RARA.principal, now[0] + 1)
    ticket = await tickets.issue(short)
    now[0] += 2
    assert await tickets.redeem(ticket) is None


async def test_when_redis_is_away_nobody_is_let_in_and_nobody_is_sent_away(impatient: Redis, valkey: Valkey) -> None:
    apikeys, tickets = ApiKeys(impatient), Tickets(impatient)
    secret, _ = await apikeys.create("k", "kopi", [Role.VIEWER])
    ticket = await tickets.issue(RARA)
    valkey.stop()
    for asking in (apikeys.find(secret), tickets.redeem(ticket), tickets.issue(RARA)):
        with pytest.raises(Refused) as refused:
            await asking
        assert refused.value.code is ErrorCode.UNAVAILABLE
