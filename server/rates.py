"""Rate limits, counted in Redis, so that several web processes count together. How much is too much: see `quota`."""

import asyncio
import math
from collections.abc import Iterable
from contextvars import ContextVar

import anyio
import structlog

from protocol.commands import AnyCommand
from protocol.errors import ErrorCode, Refused
from server.quota import Kind, Limit, Limits, kinds, network
from server.store.client import OUTAGE
from server.store.counters import Counters

#: From where the request or the socket at hand comes; set for each of them before anything else.
ADDRESS: ContextVar[str] = ContextVar("address", default="")
#: A Redis that takes longer counts nothing, in seconds: a limit must not be what makes a server slow.
PATIENCE = 1.0
#: What is counted, where its name alone would not say it.
WORDS = {Kind.FAILURES: "failed attempts to say who one is"}

log = structlog.get_logger("server.rates")


class Rates:
    """Refuse what is too much. `limits`: none for a server that limits nothing."""

    def __init__(self, counters: Counters, limits: Limits | None) -> None:
        self._counters = counters
        self._limits = limits

    async def check(self, command: AnyCommand, principal: str) -> None:
        """Count a command, or raise `Refused` when it is one too many for the principal or for its address."""
        await self._count(kinds(command), principal)

    async def connect(self, principal: str = "") -> None:
        """Count a connection from the address at hand, or of a principal when there is one, or raise `Refused`."""
        await self._count((Kind.CONNECTS,), principal)

    async def failed(self) -> None:
        """Count one who failed to say who they are, or raise `Refused` when too many did from the address at hand."""
        name = network(ADDRESS.get())
        if self._limits is None or not name:
            return
        if refusal := await self._hit(self._limits.address[Kind.FAILURES], Kind.FAILURES, "address", name):
            raise refusal

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

    async def _hit(self, limit: Limit, kind: Kind, scope: str, name: str) -> Refused | None:
        """Count one more, and give the refusal of what is too much."""
        again: float | None = None
        try:
            with anyio.move_on_after(PATIENCE):
                again = await self._counters.count(limit, kind, scope, name)
        except OUTAGE as error:
            log.debug("rates.unknown", error=str(error))
        if again is None:  # not too much; or nobody knows, and the command itself will say so if it needs Redis
            return None
        wait = max(1, math.ceil(again))
        what = WORDS.get(kind, kind)
        return Refused(ErrorCode.RATE_LIMITED, f"Too many {what}: at most {limit} from one {scope}.", retry_after=wait)
