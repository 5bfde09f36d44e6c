"""Refusals over HTTP: problem documents (RFC 9457), with the codes of the wire contract."""

from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import Scope

from protocol.errors import ERRORS, ErrorCode, Refused

#: Below these, refusals are problem documents; below those, what front ends of other contracts read.
PROBLEMS, DETAILS = ("/api/v1/", "/ag-ui/"), ("/api/crew", "/status/", "/kickoff", "/resume", "/inputs")
#: What comes with 401, see RFC 6750.
CHALLENGE = {"www-authenticate": "Bearer"}


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
    return Response(
        msgspec.json.encode(body | detail), rule.status, headers_of(refused), media_type="application/problem+json"
    )


def headers_of(refused: Refused) -> dict[str, str]:
    """Say when to come again, and how to say who one is."""
    headers = {} if refused.retry_after is None else {"retry-after": str(max(1, round(refused.retry_after)))}
    return {**headers, **CHALLENGE} if refused.code is ErrorCode.UNAUTHENTICATED else headers


def told_at(path: str, refused: Refused) -> Response:
    """Write a refusal in the form that is usual below a path."""
    if path.startswith(PROBLEMS) or not path.startswith(DETAILS):
        return problem(refused)
    told = {"status": "error", **dict.fromkeys(("detail", "error", "message"), refused.message)}
    return JSONResponse(told, ERRORS[refused.code].status, headers_of(refused))


async def on_refused(_: Request, error: Exception) -> Response:
    """Answer a refusal that a route raised."""
    assert isinstance(error, Refused), "registered for Refused only"
    return problem(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what no route takes, in the form that is usual below its path; elsewhere by a line of text."""
    assert isinstance(error, HTTPException), "registered for HTTPException only"
    headers = error.headers
    if error.status_code == 405:
        # A path may have a route for each method, and the one that refused knows only its own.
        scope = {**request.scope, "root_path": request.scope.get("app_root_path", "")}
        headers = {"allow": ", ".join(sorted(_methods(request.app.routes, scope)))}
    path, nothing = request.url.path, error.status_code == 404
    if nothing and path.startswith(PROBLEMS):
        return problem(Refused(ErrorCode.NOT_FOUND, "There is nothing at this path."))
    if path.startswith(DETAILS):
        told = {"detail": error.detail, "error": error.detail, "message": error.detail}
        return JSONResponse(told, error.status_code, headers)
    return PlainTextResponse(error.detail, error.status_code, headers)


def _methods(routes: Iterable[BaseRoute], scope: Scope) -> set[str]:
    """Collect the methods that a path takes."""
    found: set[str] = set()
    for route in routes:
        match, inner = route.matches(scope)
        if match is not Match.NONE and isinstance(route, Mount):
            found |= _methods(route.routes, {**scope, **inner})
        elif match is not Match.NONE and isinstance(route, Route):
            found |= route.methods or set()
    return found


def bad_field(message: str) -> Refused:
    """Refuse a parameter."""
    return Refused(ErrorCode.BAD_FIELD, message)
