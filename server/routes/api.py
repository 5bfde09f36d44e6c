"""`/api/v1`: executions, checkpoints and crews over HTTP. Every change goes through the dispatch that sockets use."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Decide, Decision, Filter, Get, List, Start
from protocol.errors import ErrorCode, Refused
from protocol.frames import MAX_FRAME
from protocol.ids import CheckpointId, ExecutionId
from server.auth import OPEN
from server.dispatch import Dispatch
from server.routes.problems import bad_field

VIA = "rest"


class Api:
    """The REST interface over a dispatch."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch

    def routes(self) -> list[BaseRoute]:
        """List the routes, below `/api/v1`."""
        return [
            Route("/crews", self.crews),
            Route("/executions", self.start, methods=["POST"]),
            Route("/executions", self.executions),
            Route("/executions/{execution}", self.execution),
            Route("/checkpoints", self.checkpoints),
            Route("/executions/{execution}/checkpoints/{checkpoint}/decision", self.decide, methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        """`POST /executions`: body as `start`; an `Idempotency-Key` makes it once."""
        body = await _object(request)
        body.setdefault("key", request.headers.get("idempotency-key"))
        started = await self._handle(_convert({**body, "type": "start"}, Start))
        location = {"location": f"{request.url.path}/{started.execution}"}
        return _json(started, 200 if started.duplicate else 201, location)

    async def executions(self, request: Request) -> Response:
        """`GET /executions?state=&crew=&conversation=&cursor=&limit=`: newest first."""
        narrowed = {name: request.query_params.get(name) for name in ("state", "crew", "conversation")}
        return await self._list(request, "executions", _convert(narrowed, Filter))

    async def execution(self, request: Request) -> Response:
        """`GET /executions/{id}`: the execution and its checkpoints."""
        return _json(await self._handle(Get(execution=ExecutionId(request.path_params["execution"]))))

    async def crews(self, request: Request) -> Response:
        """`GET /crews`."""
        return await self._list(request, "crews", Filter())

    async def checkpoints(self, request: Request) -> Response:
        """`GET /checkpoints?state=open`: what waits for a person, nearest deadline first."""
        if request.query_params.get("state", "open") != "open":
            raise bad_field("Only `state=open` can be listed; read an execution for its decided checkpoints.")
        return await self._list(request, "checkpoints", Filter())

    async def decide(self, request: Request) -> Response:
        """`POST …/checkpoints/{cp}/decision`: answer a checkpoint."""
        decision = _convert(await _object(request), Decision)
        command = Decide(
            execution=ExecutionId(request.path_params["execution"]),
            checkpoint=CheckpointId(request.path_params["checkpoint"]),
            **{name: getattr(decision, name) for name in decision.__struct_fields__},
        )
        return _json(await self._handle(command))

    async def _list(self, request: Request, what: Any, narrowed: Filter) -> Response:
        cursor, limit = request.query_params.get("cursor"), request.query_params.get("limit", "50")
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 200:
            raise bad_field("`limit` is a whole number from 1 to 200.")
        return _json(await self._handle(List(what=what, cursor=cursor, limit=int(limit), filter=narrowed)))

    async def _handle(self, command: Any) -> Any:
        return await self.dispatch.handle(command, OPEN, via=VIA)


async def _object(request: Request) -> dict[str, Any]:
    body = await _body(request)
    try:
        decoded = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(ErrorCode.BAD_JSON, f"The body cannot be read: {error}") from None
    if not isinstance(decoded, dict):
        raise Refused(ErrorCode.BAD_FRAME, "The body must be one object.")
    return decoded


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FRAME:
            raise Refused(ErrorCode.TOO_LARGE, f"The body is larger than {MAX_FRAME} bytes.")
    return body


def _convert(body: dict[str, Any], struct: Any) -> Any:
    try:
        return msgspec.convert({name: value for name, value in body.items() if value is not None}, struct)
    except msgspec.ValidationError as error:
        raise bad_field(str(error)) from None


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")
