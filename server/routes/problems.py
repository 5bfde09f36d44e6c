"""Refusals over HTTP: problem documents (RFC 9457), with the codes of the wire contract."""

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from protocol.errors import ERRORS, ErrorCode, Refused


def problem(refused: Refused) -> Response:
    """Write a refusal as `application/problem+json`."""
    rule = ERRORS[refused.code]
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": rule.meaning,
        "status": rule.status,
        "detail": refused.message,
        "code": refused.code,
        "retry": rule.retry,
    }
    detail = {name: value for name, value in refused.detail.items() if name != "re"}
    headers = {} if refused.retry_after is None else {"retry-after": str(max(1, round(refused.retry_after)))}
    return Response(msgspec.json.encode(body | detail), rule.status, headers, media_type="application/problem+json")


async def on_refused(_: Request, error: Exception) -> Response:
    """Answer a refusal that a route raised."""
    assert isinstance(error, Refused), "registered for Refused only"
    return problem(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what no route takes; front ends of `/api/crew` read a `detail`, others a line of text."""
    assert isinstance(error, HTTPException), "registered for HTTPException only"
    if request.url.path.startswith("/api/crew"):
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    return PlainTextResponse(error.detail, error.status_code, error.headers)


def bad_field(message: str) -> Refused:
    """Refuse a parameter."""
    return Refused(ErrorCode.BAD_FIELD, message)
