"""`/healthz`, `/readyz` and `/metrics`: what an operator's machines ask."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.telemetry import REGISTRY

#: A check gives nothing when all is well, else the reason why not.
Check = Callable[[], Awaitable[str | None]]
Measure = Callable[[], Awaitable[None]]


class Operations:
    """Answer by asking: `checks` for readiness, `measures` before each reading of the metrics."""

    def __init__(self, checks: Mapping[str, Check], measures: list[Measure]) -> None:
        self.checks = checks
        self.measures = measures

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/healthz", alive), Route("/readyz", self.ready), Route("/metrics", self.metrics)]

    async def ready(self, _: Request) -> Response:
        """Say whether everything that a request needs works now; each part is tried, none is remembered."""
        found = {name: await check() for name, check in self.checks.items()}
        reasons = {name: reason for name, reason in found.items() if reason}
        body = {"status": "not ready" if reasons else "ready", "checks": {n: r or "ok" for n, r in found.items()}}
        return Response(msgspec.json.encode(body), 503 if reasons else 200, media_type="application/json")

    async def metrics(self, _: Request) -> Response:
        """Write the metrics in Prometheus's text format."""
        for measure in self.measures:
            await measure()
        return Response(generate_latest(REGISTRY), media_type="text/plain; version=0.0.4; charset=utf-8")


async def alive(_: Request) -> Response:
    """Say that the process answers."""
    return Response(b'{"status":"alive"}', media_type="application/json")
