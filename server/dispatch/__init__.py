"""Commands: each is authorised, becomes at most one event, and is answered. Nothing here knows a socket.

What a command changes comes back to everybody through Redis, to the one who gave it too; the reply says only that it
is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from protocol.commands import (
    AnyCommand,
    Auth,
    Cancel,
    Comment,
    Decide,
    Deliveries,
    Extend,
    Fork,
    Get,
    List,
    Pause,
    Ping,
    Pong,
    Resend,
    Resume,
    Say,
    Start,
    Unwatch,
    View,
    Watch,
)
from protocol.errors import ErrorCode, Refused
from protocol.ids import ConnectionId, ExecutionId
from protocol.objects import Crew
from protocol.replies import Changed, Extended, Noted, Read, Resent, Seen, Started
from server.auth import OPEN, Principal
from server.catalogue import Catalogue
from server.dispatch import permission
from server.dispatch.audit import logged
from server.dispatch.decide import decide
from server.dispatch.deliberate import comment, extend
from server.dispatch.deliveries import list_deliveries, resend
from server.dispatch.events import Events, Place, read_events
from server.dispatch.fork import fork
from server.dispatch.lists import Listing, list_page
from server.dispatch.say import say
from server.dispatch.start import start
from server.dispatch.tracing import traced
from server.dispatch.view import Views
from server.dispatch.webhooks import NONE, Endpoints, add_webhooks
from server.dispatch.work import Work
from server.queue import Queue
from server.rates import Rates
from server.store import Outbox, Store, Workers
from server.store.client import OUTAGE
from server.webhooks.subscriptions import Subscriptions

__all__ = [
    "Changed", "Dispatch", "Events", "Extended", "Listing", "Noted", "Place", "Read", "Resent", "Seen", "Started",
]  # fmt: skip


class Dispatch:
    """Carry out commands, each within its principal's tenant."""

    def __init__(
        self,
        store: Store,
        workers: Workers,
        catalogue: Catalogue,
        queue: Queue,
        rates: Rates | None = None,
        webhooks: Subscriptions | None = None,
    ) -> None:
        self.work = Work(store, workers, catalogue, queue, Outbox(store.redis), webhooks or Subscriptions())
        self._rates = rates
        self.views = Views(self.work)

    async def handle(
        self, command: AnyCommand, principal: Principal, *, via: str = "websocket", endpoints: Endpoints = NONE
    ) -> Any:
        """Carry out a command and give the reply's data, or raise `Refused`. `via` is the door it came by.

        `endpoints`: webhooks that hear of what a `start` makes, or of what follows a `decide`.
        """
        with logged(command, principal, via) as told, reaching_redis():
            await self._count(command, principal)
            work = self._work(principal)
            await permission.check(work.store, command, principal)
            async with traced(work, command, principal, via):
                reply = await self._carry_out(work, command, principal, via, endpoints)
            if isinstance(reply, Started):
                told["execution"] = reply.execution
            return reply

    async def _carry_out(
        self, work: Work, command: AnyCommand, principal: Principal, via: str, endpoints: Endpoints
    ) -> Any:
        match command:
            case Start():
                return await start(work, command, principal, endpoints)
            case Say():
                return await say(work, command, principal)
            case Decide():
                await add_webhooks(work, command.execution, endpoints)
                return await decide(work, command, principal, via)
            case Comment():
                return await comment(work, command, principal)
            case Extend():
                return await extend(work, command, principal)
            case Cancel():
                return await work.cancel(command, principal)
            case Pause():
                return await work.pause(command, principal)
            case Resume():
                return await work.resume(command, principal)
            case Fork():
                return await fork(work, command, principal, via)
            case List():
                return await list_page(work, command)
            case Get():
                return await work.get(command.execution)
            case Deliveries():
                return await list_deliveries(work, command)
            case Resend():
                return await resend(work, command)
            case Watch() | Unwatch() | View() | Ping() | Pong() | Auth():
                raise Refused(ErrorCode.BAD_FRAME, f"`{command.__struct_config__.tag}` belongs to a socket.")

    async def events(self, execution: ExecutionId, after: Place, limit: int, principal: Principal) -> Events:
        """Read a page of an execution's log, or raise `Refused`."""
        command = Get(execution=execution)
        with reaching_redis():
            await self._count(command, principal)
            work = self._work(principal)
            await permission.check(work.store, command, principal)
            return await read_events(work, execution, after, limit)

    async def crew(self, name: str, principal: Principal) -> Crew:
        """Read how a crew is described, or raise `Refused` when it cannot run."""
        with reaching_redis():
            permission.check_roles(List(what="crews"), principal)
            return await self.work.catalogue.crew(name)

    async def _count(self, command: AnyCommand, principal: Principal) -> None:
        """Refuse what is too much; in open mode, where nobody is told apart, by the address alone."""
        if self._rates is not None:
            await self._rates.check(command, "" if principal is OPEN else principal.subject)

    async def look(self, command: View, principal: Principal, connection: ConnectionId) -> None:
        """Note that a connection looks at a checkpoint, or does no longer, or raise `Refused`."""
        with reaching_redis():
            await self._count(command, principal)
            await permission.check(self._work(principal).store, command, principal)
            await self.views.look(command, principal, connection)

    def leave(self, connection: ConnectionId) -> None:
        """Note that a connection has ended."""
        self.views.leave(connection)

    async def watchable(self, execution: ExecutionId, principal: Principal) -> Seen:
        """Read what a watcher is told at first, or raise `Refused` when there is no such execution."""
        with reaching_redis():
            work = self._work(principal)
            await permission.check(work.store, Get(execution=execution), principal)
            return Seen.of(await work.get(execution))

    async def permit(self, command: AnyCommand, principal: Principal) -> None:
        """Count a command, and raise `Refused` for one too many, or one that the principal's roles do not allow."""
        with reaching_redis():
            await self._count(command, principal)
        permission.check_roles(command, principal)

    def _work(self, principal: Principal) -> Work:
        return replace(self.work, store=self.work.store.of(principal.tenant))


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Tell of a Redis that is away."""
    try:
        yield
    except OUTAGE as error:
        raise Refused(ErrorCode.UNAVAILABLE, "Redis cannot be reached; try again.", retry_after=1.0) from error
