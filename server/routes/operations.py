"""`/healthz`, `/readyz` and `/metrics`: what an operator's machines ask."""

from collections.abc import Awaitable, Callable, Mapping

import anyio
import msgspec
from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.routes.shared import Shared
from server.telemetry import REGISTRY

#: Whoever asks is answered within this, in seconds, whatever hangs.
LIMIT = 5.0
#: A check gives nothing when all is well, else the reason why not.
Check = Callable[[], Awaitable[str | None]]
Measure = Callable[[], Awaitable[None]]


class Operations:
    """Answer by asking: `checks` for readiness, `measures` before each reading of the metrics."""

    def __init__(self, checks: Mapping[str, Check], measures: list[Measure]) -> None:
        self.checks = checks
        self.measures = measures
        self._checked = Shared(self._check)

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/healthz", alive), Route("/readyz", self.ready), Route("/metrics", self.metrics)]

    async def ready(self, _: Request) -> Response:
        """Say whether everything that a request needs works now: each part is tried, within the last second."""
        found = await self._checked()
        well = all(answer == "ok" for answer in found.values())
        body = {"status": "ready" if well else "not ready", "checks": found}
        return Response(msgspec.json.encode(body), 200 if well else 503, media_type="application/json")

    async def _check(self) -> dict[str, str]:
        found = dict.fromkeys(self.checks, f"no answer within {LIMIT:g} s")

        async def ask(name: str, check: Check) -> None:
            found[name] = await check() or "ok"

        with anyio.move_on_after(LIMIT):
            async with anyio.create_task_group() as group:
                for name, check in self.checks.items():
                    group.start_soon(ask, name, check)
        return found

    async def metrics(self, _: Request) -> Response:
        """Write the metrics in Prometheus's text format; what cannot be measured now keeps its last value."""
        with anyio.move_on_after(LIMIT):
            for measure in self.measures:
                await measure()
        return Response(generate_latest(REGISTRY), media_type="text/plain; version=0.0.4; charset=utf-8")


async def alive(_: Request) -> Response:
    """Say that the process answers."""
    return Response(b'{"status":"alive"}', media_type="application/json")
