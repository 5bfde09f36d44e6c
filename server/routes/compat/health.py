"""`/health`, and the same at `/` for programs: is it well, and how much is going on."""

from collections.abc import Callable, Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from server.routes.api.requests import json
from server.routes.asking import known_visitor
from server.routes.shared import Shared
from server.store import Store
from server.store.client import OUTAGE

SERVICE = "quarterdeck"
#: In place of a tenant, for whoever may see none.
NOBODYS = ""
Counts = Mapping[str, int | None]
#: What is counted is told to who is known, and has a role, only: it is a tenant's own.
UNTOLD: Counts = {"active_executions": None, "pending_checkpoints": None}
#: What is true now is not to be kept, and another may ask for the page here.
FRESH = {"cache-control": "no-store", "vary": "accept"}


class JsonRoute(Route):
    """A route for those who ask for JSON and not for a page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match only them."""
        headers = dict(scope.get("headers", ()))
        accept = headers.get(b"accept", b"")
        wanted = b"application/json" in accept and b"text/html" not in accept
        return super().matches(scope) if wanted else (Match.NONE, {})


class Health:
    """Answer by counting, once a second for all who ask within a tenant."""

    def __init__(self, store: Store, draining: Callable[[], bool]) -> None:
        self.store = store
        self.draining = draining
        self._found: dict[str, Shared[Counts | None]] = {}

    def routes(self) -> list[BaseRoute]:
        """List the routes; the one at `/` must come before the page's."""
        return [Route("/health", self.health), JsonRoute("/", self.root)]

    async def health(self, request: Request) -> Response:
        """`GET /health`: `{status, active_executions, pending_checkpoints}`; 503 when it is not well."""
        return await self._answer(request, {})

    async def root(self, request: Request) -> Response:
        """`GET /` with `Accept: application/json`: the same, and who answers."""
        return await self._answer(request, {"service": SERVICE})

    async def _answer(self, request: Request, who: dict[str, str]) -> Response:
        if self.draining():
            return self._unwell(who, "The server is shutting down.")
        visitor = known_visitor(request)
        tenant = visitor.principal.tenant if visitor and visitor.principal.roles else NOBODYS
        counts = await self._found.setdefault(tenant, Shared(partial(self._find, tenant)))()
        if counts is None:
            return self._unwell(who, "Redis cannot be reached.")
        return json({**who, "status": "healthy", **counts}, headers=FRESH)

    async def _find(self, tenant: str) -> Counts | None:
        try:
            if tenant == NOBODYS:
                await self.store.redis.ping()
                return UNTOLD
            store = self.store.of(tenant)
            return {"active_executions": await store.count_active(), "pending_checkpoints": await store.count_inbox()}
        except OUTAGE:
            return None

    def _unwell(self, who: dict[str, str], reason: str) -> Response:
        return json({**who, "status": "unhealthy", **UNTOLD, "detail": reason}, 503, FRESH)
