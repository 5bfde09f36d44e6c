"""Counters in windows that slide, for limits that several processes keep together."""

import time
from typing import Any

from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from server.quota import Limit

PREFIX = "qd:rate"


class Counters:
    """The counters in Redis, which forgets each when its window is over."""

    def __init__(self, redis: Redis) -> None:
        pool: Any = redis.connection_pool  # the server's own; the library's types know of plain options only
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=PREFIX, connection_pool=pool)
        self._counter = SlidingWindowCounterRateLimiter(storage)

    async def count(self, limit: Limit, *names: str) -> float | None:
        """Count one more of what the names say; or, where it is one too many, tell for how many seconds it is so."""
        if await self._counter.hit(limit, *names):
            return None
        return (await self._counter.get_window_stats(limit, *names)).reset_time - time.time()
