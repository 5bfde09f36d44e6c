"""What the parts of the store share: the client, the scripts, the tenant and the clock."""

import time
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from typing import Any, Self

from redis import Redis as BlockingRedis
from redis.asyncio import Redis

from protocol.ids import ExecutionId
from server import keys
from server.scripts import Scripts
from server.store.client import blocking_twin


class Base:
    """Hold the client and the names of one tenant. `retention`: how long an ended execution is kept.

    `of` gives the same for another tenant, on the same client.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        tenant: str = keys.OPEN_TENANT,
        retention: timedelta = timedelta(days=30),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.redis = redis
        self._twins: list[BlockingRedis] = []
        self.scripts = Scripts(redis)
        self.tenant = tenant
        self.retention = int(retention.total_seconds() * 1000)
        self.clock = clock
        self._siblings: dict[str, Any] = {tenant: self}

    def of(self, tenant: str) -> Self:
        """Give the store of a tenant."""
        found: Self | None = self._siblings.get(tenant)
        if found is None:
            found = self._siblings[tenant] = copy(self)
            found.tenant = tenant
        return found

    def member(self, execution: ExecutionId) -> str:
        """Name an execution among those of all tenants."""
        return f"{self.tenant}/{execution}"

    def at(self, member: str) -> tuple[Self, ExecutionId]:
        """Find what `member` named: the store of its tenant, and the execution."""
        tenant, _, execution = member.partition("/")
        return self.of(tenant), ExecutionId(execution)

    @property
    def blocking(self) -> BlockingRedis:
        """Give a client to the same server, for short commands of synchronous code on the loop's own thread."""
        if not self._twins:
            self._twins.append(blocking_twin(self.redis))
        return self._twins[0]
