"""Rate limits, counted in Redis, so that several web processes count together. How much is too much: see `quota`."""

import asyncio
import math
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import anyio
import structlog
from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from protocol.commands import AnyCommand
from protocol.errors import ErrorCode, Refused
from server.quota import Kind, Limits, kinds, network
from server.store.client import OUTAGE

#: From where the request or the socket at hand comes; set for each of them before anything else.
ADDRESS: ContextVar[str] = ContextVar("address", default="")
PREFIX = "qd:rate"
#: A Redis that takes longer counts nothing, in seconds: a limit must not be what makes a server slow.
PATIENCE = 1.0
#: So many addresses from which something failed are remembered in a process.
MOST_SUSPECTS = 10_000
#: What is counted, where its name alone would not say it.
WORDS = {Kind.FAILURES: "failed attempts to say who one is"}

log = structlog.get_logger("server.rates")


class Rates:
    """Refuse what is too much. `limits`: none for a server that limits nothing."""

    def __init__(self, redis: Redis, limits: Limits | None) -> None:
        self._limits = limits
        pool: Any = redis.connection_pool  # the server's own; the library's types know of plain options only
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=PREFIX, connection_pool=pool)
        self._counter = SlidingWindowCounterRateLimiter(storage)
        #: Where this process has seen a failure, and until when, by the loop's clock, it matters.
        self._suspects: dict[str, float] = {}

    async def check(self, command: AnyCommand, principal: str) -> None:
        """Count a command, or raise `Refused` when it is one too many for the principal or for its address."""
        await self._count(kinds(command), principal)

    async def connect(self, principal: str = "") -> None:
        """Count a connection from the address at hand, or of a principal when there is one, or raise `Refused`."""
        await self._count((Kind.CONNECTS,), principal)

    async def attempt(self) -> None:
        """Raise `Refused` when too many have failed to say who they are from the address at hand.

        Redis is asked only about addresses where this process has seen one of them: who fails at nothing pays nothing.
        """
        name = network(ADDRESS.get())
        if self._limits is None or name not in self._suspects:
            return
        if self._suspects[name] < anyio.current_time():
            del self._suspects[name]
            return
        limit = self._limits.address[Kind.FAILURES]
        if refusal := await self._hit(limit, Kind.FAILURES, "address", name, take=False):
            raise refusal

    async def failed(self) -> None:
        """Count one who failed."""
        name = network(ADDRESS.get())
        if self._limits is None or not name:
            return
        limit = self._limits.address[Kind.FAILURES]
        self._suspects.pop(name, None)
        self._suspects[name] = anyio.current_time() + 2 * limit.get_expiry()  # a window slides over the one before
        if len(self._suspects) > MOST_SUSPECTS:
            del self._suspects[next(iter(self._suspects))]
        await self._hit(limit, Kind.FAILURES, "address", name)

    async def _count(self, counted: Iterable[Kind], principal: str) -> None:
        """Count by all limits at once: what they cost is one way to Redis and back."""
        if self._limits is None:
            return
        scopes = (
            ("principal", principal, self._limits.principal),
            ("address", network(ADDRESS.get()), self._limits.address),
        )
        hits = [
            self._hit(limits[kind], kind, scope, name)
            for kind in counted
            for scope, name, limits in scopes
            if name and kind in limits
        ]
        for refusal in await asyncio.gather(*hits):
            if refusal is not None:
                raise refusal

    async def _hit(
        self, limit: RateLimitItem, kind: Kind, scope: str, name: str, *, take: bool = True
    ) -> Refused | None:
        """Give the refusal of what is too much. `take`: count this one, too."""
        again: float | None = None
        try:
            with anyio.move_on_after(PATIENCE):
                if not await (self._counter.hit if take else self._counter.test)(limit, kind, scope, name):
                    again = (await self._counter.get_window_stats(limit, kind, scope, name)).reset_time - time.time()
        except OUTAGE as error:
            log.debug("rates.unknown", error=str(error))
        if again is None:  # not too much; or nobody knows, and the command itself will say so if it needs Redis
            return None
        wait = max(1, math.ceil(again))
        what = WORDS.get(kind, kind)
        return Refused(ErrorCode.RATE_LIMITED, f"Too many {what}: at most {limit} from one {scope}.", retry_after=wait)
