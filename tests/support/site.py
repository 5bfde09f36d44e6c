"""REST on a real socket, over a world with a scripted crew."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from protocol.errors import Refused
from server.app.doorkeeper import Doorkeeper
from server.files import Files
from server.hub import Hub
from server.pubsub import PubSub
from server.quota import Limits
from server.routes.agui import AgUi
from server.routes.api import Api
from server.routes.compat import Compat
from server.routes.compat.health import Health
from server.routes.places import Places
from server.routes.problems import on_http_error, on_refused
from server.settings import AuthSettings
from server.sockets import Server, configure
from tests.support.doors import doorman
from tests.support.edge import QUICK
from tests.support.scripted import World

STREAM = {"accept": "text/event-stream"}


class Told(NamedTuple):
    """One server-sent event."""

    id: str
    frame: dict[str, Any]


class RestSite(NamedTuple):
    """A running REST interface."""

    world: World
    hub: Hub
    places: Places
    compat: Compat
    server: Server
    client: httpx.AsyncClient
    port: int

    @asynccontextmanager
    async def stream(self, execution: str, last: str = "", query: str = "") -> AsyncIterator[AsyncIterator[Told]]:
        """Follow an execution's events; a comment is told as an empty frame."""
        headers = {**STREAM, **({"last-event-id": last} if last else {})}
        async with self.client.stream("GET", f"/executions/{execution}/events{query}", headers=headers) as answer:
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
            yield told(answer.aiter_lines())


async def told(lines: AsyncIterator[str]) -> AsyncIterator[Told]:
    """Read server-sent events as a browser does."""
    ident = ""
    async for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            ident = value
        elif name == "data":
            yield Told(ident, msgspec.json.decode(value))
        elif line == ": still here":
            yield Told(ident, {})


async def take(events: AsyncIterator[Told], kind: str) -> list[Told]:
    """Read up to a frame of this type; deltas are left out."""
    found: list[Told] = []
    with anyio.fail_after(10):
        async for each in events:
            if each.frame.get("type") != "delta":
                found.append(each)
            if each.frame.get("type") == kind:
                return found
    raise AssertionError(f"no {kind}: {found}")


@asynccontextmanager
async def running_rest(
    world: World, *, patience: float = 20.0, auth: AuthSettings | None = None, limits: Limits | None = None
) -> AsyncIterator[RestSite]:
    """Serve REST, and the contracts of existing front ends; their calls wait `patience` seconds for an end.

    `limits`: of the streams alone.
    """
    pubsub = PubSub(world.redis, times=QUICK)
    hub = Hub(pubsub, world.store)
    places = Places(limits)
    api = Api(world.dispatch, hub, Files(Path("nowhere")), places)
    agui = AgUi(world.dispatch, hub, places)
    compat = Compat(world.dispatch, hub, "scripted", limit=patience)
    health = Health(world.store, lambda: False)
    routes = [Mount("/api/v1", routes=api.routes()), *agui.routes(), *compat.routes(), *health.routes()]
    app = Starlette(routes=routes, exception_handlers={Refused: on_refused, HTTPException: on_http_error})
    app.add_middleware(Doorkeeper, doorman=doorman(world.redis, auth))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    async def drain() -> None:
        places.drain()
        await compat.drain()

    server = Server(configure(app, lifespan="off"), drain)
    with listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pubsub.run)
            tasks.start_soon(hub.run)
            assert await pubsub.prove(10)
            async with anyio.create_task_group() as serving:
                serving.start_soon(server.serve, [listener])
                try:
                    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=20) as client:
                        yield RestSite(world, hub, places, compat, server, client, port)
                finally:
                    server.should_exit = True
            tasks.cancel_scope.cancel()
