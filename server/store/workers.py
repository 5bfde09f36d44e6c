"""What workers say of themselves: that they live, what they run, which crews they know."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from protocol.objects import Crew
from server import keys


class WorkerReport(Struct, frozen=True, kw_only=True):
    """A worker's heartbeat: how many crews it may run at once, how many it runs, which it knows."""

    id: str
    slots: int
    running: int
    crews: list[str]


class Workers:
    """Read heartbeats and the catalogue of crews."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def live(self) -> list[WorkerReport]:
        """Read the reports of the workers whose heartbeat has not run out."""
        members: Any = await self.redis.zrange(keys.workers(), 0, -1)
        idents = [ident.decode() for ident in members]
        if not idents:
            return []
        reports: Any = await self.redis.mget([keys.worker(ident) for ident in idents])
        gone = [ident for ident, report in zip(idents, reports, strict=True) if report is None]
        if gone:
            await self.redis.zrem(keys.workers(), *gone)
        return [msgspec.json.decode(report, type=WorkerReport) for report in reports if report]

    async def lives(self, ident: str) -> bool:
        """Tell whether a worker's heartbeat has not run out."""
        return bool(await self.redis.exists(keys.worker(ident)))

    async def turn(self, ident: str, seconds: float) -> bool:
        """Take the turn to look after everything, unless somebody took it less than so many seconds ago."""
        return bool(await self.redis.set(keys.turn(), ident, nx=True, px=int(seconds * 1000)))

    async def publish(self, crews: Iterable[Crew]) -> None:
        """Put crews into the catalogue."""
        await self.redis.hset(keys.crews(), mapping={crew.name: msgspec.json.encode(crew) for crew in crews})

    async def publish_missing(self, crews: Iterable[Crew]) -> bool:
        """Put crews into the catalogue that are not in it, because Redis has lost its data; tell whether any were."""
        names: Any = await self.redis.hkeys(keys.crews())
        missing = [crew for crew in crews if crew.name.encode() not in names]
        if missing:
            await self.publish(missing)
        return bool(missing)

    async def catalogue(self) -> dict[str, Crew]:
        """Read the catalogue: each crew as a worker last reported it."""
        stored: Any = await self.redis.hgetall(keys.crews())
        return {name.decode(): msgspec.json.decode(raw, type=Crew) for name, raw in stored.items()}
