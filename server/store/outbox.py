"""The outbox: calls to webhooks that are due, and what became of each.

A commit puts a delivery into it, in the same atomic step as the event. Whoever takes one has it for a while only; what
is not settled by then, because its worker died, is taken by another.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType
from redis.asyncio import Redis

from protocol.ids import ExecutionId
from protocol.objects import Cost
from server import keys
from server.projection import used
from server.scripts import Scripts

#: A tool call's beginning is looked for among so many events before its end.
LOOK_BACK, AT_ONCE = 500, 20
#: A tenant's calls to one host may have this part of the places that are free, and all of its calls so many times what
#: is free: of 128, a slow host gets 8 at most, twenty of them 5 or less each, all of a tenant 96; the rest is others'.
LANE_SHARE, TENANT_SHARE = 1 / 16, 3
#: Webhooks of an execution, with those that came later.
MOST_ADDED = 50
#: Lanes that are looked at in one step of Redis.
LOOKED_AT = 256


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A delivery that was taken, and the names that it has."""

    tenant: str
    execution: ExecutionId
    delivery: str

    @property
    def member(self) -> str:
        """Its name in the outbox."""
        return keys.delivery(self.tenant, self.execution, self.delivery)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """All that a call needs: the delivery's record, the event, the endpoint if a request brought it, and the state."""

    record: bytes
    frame: bytes
    crew: str
    title: str
    brought: bytes | None
    disabled: bool


class Outbox:
    """Read and write the outbox. Waits are in seconds, and run on Redis's clock, from which `ahead` is for tests."""

    def __init__(self, redis: Redis, *, ahead: Callable[[], float] = lambda: 0.0) -> None:
        self.redis = redis
        self.ahead = ahead
        self.scripts = Scripts(redis)

    async def claim(
        self, *, held: float, later: float, free: int, busy: Iterable[Claim] = ()
    ) -> tuple[list[Claim], bool]:
        """Take at most `free` deliveries that are due, beside those that are `busy`; tell whether there may be more.

        They are `held` for the taker so long; a host, or a tenant, that has its share under way is put off by `later`.
        """
        times = [_ms(self.ahead()), _ms(held), _ms(later)]
        under_way = [each.member for each in busy]
        arguments = [*times, free, LANE_SHARE, TENANT_SHARE, LOOKED_AT, *under_way]
        more, members = await self.scripts.claim(keys.outbox(), arguments)
        named = (keys.delivery_of(member.decode()) for member in members)
        return [Claim(tenant=tenant, execution=ident, delivery=name) for tenant, ident, name in named], more

    async def open(self, claim: Claim, offset: int, endpoint: str) -> Parcel | None:
        """Read what a call needs; nothing when the execution is no more."""
        names = keys.execution(claim.tenant, claim.execution)
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.hget(names.deliveries, claim.delivery)
            pipeline.hmget(names.state, ["crew", "title", f"{keys.HOOK}{endpoint}"])
            pipeline.xrange(names.log, f"{offset}-0", f"{offset}-0")
            pipeline.exists(keys.disabled(claim.tenant, endpoint))
            record, (crew, title, brought), entries, disabled = await pipeline.execute()
        if not (record and crew and entries):
            return None
        frame = next(iter(entries[0][1].values()))
        return Parcel(
            record=record, frame=frame, crew=crew.decode(), title=title.decode(), brought=brought,
            disabled=bool(disabled),
        )  # fmt: skip

    async def before(self, claim: Claim, offset: int) -> AsyncIterator[bytes]:
        """Read the events before an offset, the last first; a few at a time, for each may be large."""
        log = keys.execution(claim.tenant, claim.execution).log
        for last in range(offset - 1, max(0, offset - 1 - LOOK_BACK), -AT_ONCE):
            entries: Any = await self.redis.xrevrange(log, f"{last}-0", "-", count=AT_ONCE)
            for _, fields in entries:
                yield next(iter(fields.values()))

    async def cost(self, claim: Claim) -> Cost | UnsetType:
        """Read what the execution has cost; nothing where nothing has a price."""
        state = keys.execution(claim.tenant, claim.execution).state
        currency: Any = await self.redis.hget(state, "currency")
        if currency is None:
            return UNSET
        names = ["usage:calls", f"cost:{currency.decode()}", f"cost:{currency.decode()}:calls"]
        found: Any = await self.redis.hmget(state, names)
        told = {name: raw.decode() for name, raw in zip(names, found, strict=True) if raw is not None}
        return used({"currency": currency.decode(), **told}).cost

    async def settle(self, claim: Claim, before: bytes, after: bytes, *, wait: float | None) -> bool:
        """Keep a delivery's record, and after what wait it is due again; false when it was changed meanwhile."""
        names = keys.execution(claim.tenant, claim.execution)
        again = "" if wait is None else _ms(max(0.0, wait))
        arguments = [keys.outbox(), claim.member, claim.delivery, before, after, again, _ms(self.ahead())]
        return await self.scripts.settle(names.deliveries, arguments)

    async def drop(self, claim: Claim) -> None:
        """Forget a delivery whose execution is no more."""
        await self.scripts.put(keys.outbox(), [claim.member, "", _ms(self.ahead())])

    async def give_back(self, claim: Claim, wait: float) -> None:
        """Let another worker have a delivery after a wait."""
        await self.scripts.put(keys.outbox(), [claim.member, _ms(wait), _ms(self.ahead())])

    async def record(self, claim: Claim) -> bytes | None:
        """Read a delivery's record."""
        raw: Any = await self.redis.hget(keys.execution(claim.tenant, claim.execution).deliveries, claim.delivery)
        return bytes(raw) if raw else None

    async def deliveries(self, tenant: str, execution: ExecutionId) -> dict[str, bytes]:
        """Read the records of an execution's deliveries."""
        stored: Any = await self.redis.hgetall(keys.execution(tenant, execution).deliveries)
        return {name.decode(): raw for name, raw in stored.items()}

    async def brought(self, tenant: str, execution: ExecutionId, endpoints: Sequence[str]) -> Mapping[str, bytes]:
        """Read the endpoints of these names that the execution's requests brought."""
        if not endpoints:
            return {}
        fields = [f"{keys.HOOK}{endpoint}" for endpoint in endpoints]
        found: Any = await self.redis.hmget(keys.execution(tenant, execution).state, fields)
        return {endpoint: raw for endpoint, raw in zip(endpoints, found, strict=True) if raw}

    async def subscribe(
        self, tenant: str, execution: ExecutionId, endpoints: Mapping[str, tuple[bytes, Iterable[str]]]
    ) -> str:
        """Add endpoints, each with what it hears of; tell `added`, or why not: `ended`, or `full` of others."""
        told = [part for name, (raw, events) in endpoints.items() for part in (name, raw, " ".join(events))]
        return await self.scripts.subscribe(keys.execution(tenant, execution).state, [MOST_ADDED, *told])

    async def disable(self, tenant: str, endpoint: str, seconds: int) -> None:
        """Call an endpoint no more for a long while: it has said that it is gone."""
        await self.redis.set(keys.disabled(tenant, endpoint), "1", ex=seconds)

    async def enable(self, tenant: str, endpoint: str) -> None:
        """Call an endpoint again."""
        await self.redis.delete(keys.disabled(tenant, endpoint))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
