"""Executions: start, list, read, end, rest, and fork."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Cancel, Filter, Fork, Get, Pause, Resume, Start
from server.dispatch import Started
from server.routes.api.requests import Resource, convert, execution_of, json, keyed, read_object
from server.routes.problems import bad_field

#: What is named in the path, and may not be said otherwise in the body.
NAMED = ("type", "id", "execution")


class Executions(Resource):
    """`/executions`, but for their events."""

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        one = "/executions/{execution}"
        return [
            Route("/executions", self.start, methods=["POST"]),
            Route("/executions", self.list),
            Route(one, self.read),
            Route(f"{one}/cancel", self.cancel, methods=["POST"]),
            Route(f"{one}/pause", self.pause, methods=["POST"]),
            Route(f"{one}/resume", self.resume, methods=["POST"]),
            Route(f"{one}/fork", self.fork, methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        """`POST /executions`: body as `start`; an `Idempotency-Key` makes it once."""
        body = await keyed(request)
        return _made(request, await self.handle(request, convert({**body, "type": "start"}, Start)))

    async def list(self, request: Request) -> Response:
        """`GET /executions?state=&crew=&conversation=&cursor=&limit=`: newest first."""
        narrowed = {name: request.query_params.get(name) for name in ("state", "crew", "conversation")}
        return await self.page(request, "executions", convert(narrowed, Filter))

    async def read(self, request: Request) -> Response:
        """`GET /executions/{id}`: the execution and its checkpoints."""
        return json(await self.handle(request, Get(execution=execution_of(request))))

    async def cancel(self, request: Request) -> Response:
        """`POST …/cancel`: end it, wherever it is; the body may say a `reason`."""
        return json(await self.handle(request, convert(_named(request, "cancel", await read_object(request)), Cancel)))

    async def pause(self, request: Request) -> Response:
        """`POST …/pause`: have it rest from its next safe point on."""
        return json(await self.handle(request, convert(_named(request, "pause", await read_object(request)), Pause)))

    async def resume(self, request: Request) -> Response:
        """`POST …/resume`: have it go on."""
        return json(await self.handle(request, convert(_named(request, "resume", await read_object(request)), Resume)))

    async def fork(self, request: Request) -> Response:
        """`POST …/fork`: body `checkpoint` and a decision; an `Idempotency-Key` makes it once."""
        return _made(request, await self.handle(request, convert(_named(request, "fork", await keyed(request)), Fork)))


def _named(request: Request, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    for name in NAMED:
        if name in body:
            raise bad_field(f"`{name}` does not belong into the body: the path says it.")
    return {**body, "type": kind, "execution": execution_of(request)}


def _made(request: Request, started: Started) -> Response:
    """Tell where a new execution is."""
    collection = request.url.path[: request.url.path.index("/executions") + len("/executions")]
    return json(started, 200 if started.duplicate else 201, {"location": f"{collection}/{started.execution}"})
