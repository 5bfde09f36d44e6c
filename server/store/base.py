"""What the parts of the store share: the client, the scripts, the tenant and the clock."""

import time
from collections.abc import Callable
from datetime import timedelta

from redis import Redis as BlockingRedis
from redis.asyncio import Redis

from server import keys
from server.scripts import Scripts
from server.store.client import blocking_twin


class Base:
    """Hold the client and the names. `retention`: how long an ended execution is kept."""

    def __init__(
        self,
        redis: Redis,
        *,
        tenant: str = keys.OPEN_TENANT,
        retention: timedelta = timedelta(days=30),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.redis = redis
        self._blocking: BlockingRedis | None = None
        self.scripts = Scripts(redis)
        self.tenant = tenant
        self.retention = int(retention.total_seconds() * 1000)
        self.clock = clock

    @property
    def blocking(self) -> BlockingRedis:
        """Give a client to the same server, for short commands of synchronous code on the loop's own thread."""
        if self._blocking is None:
            self._blocking = blocking_twin(self.redis)
        return self._blocking
