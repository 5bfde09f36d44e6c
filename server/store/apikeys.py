"""API keys: made, listed and revoked by an operator, shown by programs. Redis has their digests only."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from protocol.ids import new_id
from server import keys
from server.auth import Principal, Role, Session
from server.auth.doorman import APIKEY
from server.auth.refusals import unavailable
from server.store import secrets
from server.store.client import OUTAGE

#: A use is noted at most so often, in seconds.
NOTED_EVERY = 60.0


class ApiKey(Struct, frozen=True, kw_only=True):
    """What is known of a key. Times are in Unix seconds; one that never `expires` has None there."""

    id: str
    name: str
    tenant: str
    roles: list[Role]
    created: float
    expires: float | None = None
    last_used: float | None = None

    @property
    def principal(self) -> Principal:
        """Who speaks by it."""
        return Principal(self.id, self.name, self.tenant, frozenset(self.roles))


_read = msgspec.json.Decoder(ApiKey).decode


class ApiKeys:
    """The keys in Redis."""

    def __init__(self, redis: Redis, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock

    async def create(
        self, name: str, tenant: str, roles: Collection[Role], *, seconds: float | None = None
    ) -> tuple[str, ApiKey]:
        """Make a key; the secret is given here and never again. It ends after so many seconds, or never."""
        secret, now = secrets.make(APIKEY), self._clock()
        expires = None if seconds is None else now + seconds
        made = ApiKey(id=new_id("k"), name=name, tenant=tenant, roles=sorted(roles), created=now, expires=expires)
        digest = secrets.digest(secret)
        ends = None if expires is None else int(expires * 1000)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(keys.apikey(digest), msgspec.json.encode(made), pxat=ends)
            pipeline.hset(keys.apikeys(), made.id, digest)
            await pipeline.execute()
        return secret, made

    async def list(self) -> list[ApiKey]:
        """List the keys, oldest first; those that have ended are forgotten."""
        index: Any = await self._redis.hgetall(keys.apikeys())
        if not index:
            return []
        stored: Any = await self._redis.mget([keys.apikey(digest.decode()) for digest in index.values()])
        used: Any = await self._redis.hgetall(keys.apikeys_used())
        ended = [ident for ident, raw in zip(index, stored, strict=True) if raw is None]
        if ended:
            await self._redis.hdel(keys.apikeys(), *ended)
        found = [_with_use(_read(raw), used) for raw in stored if raw is not None]
        orphans = set(used) - {key.id.encode() for key in found}
        if orphans:
            await self._redis.hdel(keys.apikeys_used(), *orphans)
        return sorted(found, key=lambda key: key.created)

    async def revoke(self, ident: str) -> bool:
        """End a key at once; tell whether there was one."""
        digest: Any = await self._redis.hget(keys.apikeys(), ident)
        if digest is None:
            return False
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(keys.apikey(digest.decode()))
            pipeline.hdel(keys.apikeys(), ident)
            pipeline.hdel(keys.apikeys_used(), ident)
            ended, *_ = await pipeline.execute()
        return bool(ended)

    async def find(self, secret: str) -> Session | None:
        """Give the session that a key opens; raises `Refused` when Redis is away."""
        digest = secrets.digest(secret)
        try:
            raw: Any = await self._redis.get(keys.apikey(digest))
            if raw is None:
                return None
        except OUTAGE as error:
            raise unavailable("Redis, which knows the API keys, cannot be reached") from error
        key = _read(raw)
        with suppress(*OUTAGE):  # a Redis that is full, or a replica, lets nobody write; that is no reason to refuse
            await self._note(key.id)
        return Session(key.principal, key.expires, digest)

    async def _note(self, ident: str) -> None:
        now = self._clock()
        last: Any = await self._redis.hget(keys.apikeys_used(), ident)
        if last is None or now - float(last) >= NOTED_EVERY:
            await self._redis.hset(keys.apikeys_used(), ident, f"{now:.0f}")

    async def living(self, digests: Collection[str]) -> set[str]:
        """Tell which of these keys have neither ended nor been revoked; raises `Refused` when Redis is away."""
        listed = [*digests]
        if not listed:
            return set()
        try:
            stored: Any = await self._redis.mget([keys.apikey(digest) for digest in listed])
        except OUTAGE as error:
            raise unavailable("Redis, which knows the API keys, cannot be reached") from error
        return {digest for digest, raw in zip(listed, stored, strict=True) if raw is not None}


def _with_use(key: ApiKey, used: dict[bytes, bytes]) -> ApiKey:
    last = used.get(key.id.encode())
    return key if last is None else msgspec.structs.replace(key, last_used=float(last))
