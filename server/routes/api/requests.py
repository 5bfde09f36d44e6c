"""Reading requests and writing answers: bodies, parameters, JSON."""

from typing import Any

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from protocol.commands import Filter, List
from protocol.errors import ErrorCode, Refused
from protocol.frames import MAX_FRAME, UNREADABLE
from protocol.ids import CheckpointId, ExecutionId
from server.dispatch import Dispatch
from server.routes.asking import principal_of
from server.routes.problems import bad_field

VIA = "rest"
#: A body must have come within so many seconds.
BODY_LIMIT = 60.0


class Resource:
    """What all resources share: the dispatch that carries out their commands."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch

    async def handle(self, request: Request, command: Any) -> Any:
        """Carry out a command for whoever sent the request, or raise `Refused`."""
        return await self.dispatch.handle(command, principal_of(request), via=VIA)

    async def page(self, request: Request, what: Any, narrowed: Filter) -> Response:
        """Answer with a page of a list, by the parameters `cursor` and `limit`."""
        limit = number(request, "limit", 50, lowest=1, highest=200)
        cursor = request.query_params.get("cursor")
        return json(await self.handle(request, List(what=what, cursor=cursor, limit=limit, filter=narrowed)))


def execution_of(request: Request) -> ExecutionId:
    """Name the execution in the path."""
    return ExecutionId(request.path_params["execution"])


def checkpoint_of(request: Request) -> CheckpointId:
    """Name the checkpoint in the path."""
    return CheckpointId(request.path_params["checkpoint"])


def number(request: Request, name: str, default: int, *, lowest: int, highest: int) -> int:
    """Read a parameter that is a whole number."""
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 15 or not lowest <= int(text) <= highest:
        raise bad_field(f"`{name}` is a whole number from {lowest} to {highest}.")
    return int(text)


async def keyed(request: Request) -> dict[str, Any]:
    """Read a body that is an object; the header `Idempotency-Key` is its `key` when it has none."""
    body = await read_object(request)
    body.setdefault("key", request.headers.get("idempotency-key"))
    return body


async def read_object(request: Request) -> dict[str, Any]:
    """Read a body that is an object, or nothing."""
    body = await read_body(request)
    try:
        decoded = msgspec.json.decode(body or b"{}")
    except UNREADABLE as error:
        raise Refused(ErrorCode.BAD_JSON, f"The body cannot be read: {error}") from None
    if not isinstance(decoded, dict):
        raise Refused(ErrorCode.BAD_FRAME, "The body must be one object.")
    return decoded


async def read_body(request: Request, limit: int = MAX_FRAME) -> bytes:
    """Read a body, up to the limit of a frame, or raise `Refused`; it must come within `BODY_LIMIT`."""
    try:
        with anyio.fail_after(BODY_LIMIT):
            return await _read_body(request, limit)
    except TimeoutError:
        raise Refused(ErrorCode.BAD_FRAME, f"The body did not come within {BODY_LIMIT:g} s.") from None
    except ClientDisconnect:
        raise Refused(ErrorCode.BAD_FRAME, "The body ended before it was whole.") from None  # nobody reads it


async def _read_body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(ErrorCode.TOO_LARGE, f"The body is larger than {limit} bytes.")
    return bytes(body)


def convert(body: dict[str, Any], struct: Any) -> Any:
    """Check a body against what is asked for."""
    try:
        return msgspec.convert({name: value for name, value in body.items() if value is not None}, struct)
    except msgspec.ValidationError as error:
        raise bad_field(str(error)) from None


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Write an answer."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")
