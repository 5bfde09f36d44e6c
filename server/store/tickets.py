"""Tickets: each opens one connection, soon, for who showed a token; so that no token is ever in a URL."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from redis.asyncio import Redis

from server import keys
from server.auth import Session
from server.auth.doorman import TICKET
from server.auth.refusals import unavailable
from server.store import secrets
from server.store.client import OUTAGE

#: A ticket is good for so long, in seconds.
LIFE = 30

_read = msgspec.json.Decoder(Session).decode


class Tickets:
    """The tickets in Redis, where only their digests are."""

    def __init__(self, redis: Redis, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock

    async def issue(self, session: Session) -> str:
        """Make a ticket; it lasts no longer than the session it was made for. Raises `Refused` when Redis is away."""
        secret = secrets.make(TICKET)
        try:
            await self._redis.set(keys.ticket(secrets.digest(secret)), msgspec.json.encode(session), ex=LIFE)
        except OUTAGE as error:
            raise unavailable("Redis, which keeps the tickets, cannot be reached") from error
        return secret

    async def redeem(self, secret: str) -> Session | None:
        """Take a ticket, once: whoever comes second finds none."""
        try:
            raw: Any = await self._redis.getdel(keys.ticket(secrets.digest(secret)))
        except OUTAGE as error:
            raise unavailable("Redis, which keeps the tickets, cannot be reached") from error
        if raw is None:
            return None
        session = _read(raw)
        return session if session.ends is None or session.ends > self._clock() else None
