"""Processes: one Starlette application, with the parts of a web process, of a worker, or of both."""

import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from protocol.errors import Refused
from server.app.cors import add_cors
from server.app.guard import Guard
from server.app.headers import Headers
from server.app.provenance import Provenance
from server.routes.operations import Check, Measure, Operations
from server.routes.problems import on_http_error, on_refused
from server.settings import Settings


class Part(Protocol):
    """One role of a process."""

    def routes(self) -> list[BaseRoute]:
        """List what it serves."""

    def checks(self) -> dict[str, Check]:
        """List what must hold for it to be ready."""

    def measures(self) -> list[Measure]:
        """List what must be measured when metrics are read."""

    def guard(self, app: Starlette) -> None:
        """Put in front of all routes what its own need."""

    async def drain(self) -> None:
        """Take leave, before the server stops."""

    async def __aenter__(self) -> object:
        """Start."""

    async def __aexit__(self, *error: object) -> None:
        """Stop."""


def make_parts(settings: Settings, url: str, roles: Sequence[str]) -> list[Part]:
    """Make the parts of the roles; what a web process does not need is not even imported."""
    parts: list[Part] = []
    if "web" in roles:
        from server.app.web import Web

        parts.append(Web(settings, url))
    if "worker" in roles:
        from server.app.worker import WorkerPart

        parts.append(WorkerPart(settings, url))
    return parts


def make_app(settings: Settings, parts: Sequence[Part]) -> Starlette:
    """Make the application."""
    checks = {name: check for part in parts for name, check in part.checks().items()}
    operations = Operations(checks, [measure for part in parts for measure in part.measures()])

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        started = False
        try:
            async with AsyncExitStack() as stack:
                for part in parts:
                    await stack.enter_async_context(part)
                started = True
                yield
        except Exception:
            app.state.broken = True
            if started:  # uvicorn would go on serving, without the part that has just broken
                signal.raise_signal(signal.SIGTERM)
            raise

    app = Starlette(
        routes=[*operations.routes(), *(route for part in parts for route in part.routes())],
        lifespan=lifespan,
        exception_handlers={Refused: on_refused, HTTPException: on_http_error},
    )
    app.state.broken = False
    for part in parts:
        part.guard(app)
    add_cors(app, settings.origins)
    app.add_middleware(Provenance)
    # who must say who they are can be reached under any name: a page of another name has nothing to say
    anywhere = settings.auth.required or (settings.insecure and not settings.origins)
    app.add_middleware(Guard, origins=settings.origins, anywhere=anywhere)
    app.add_middleware(Headers)
    return app
