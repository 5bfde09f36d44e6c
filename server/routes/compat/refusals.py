"""Refusals in the forms of the existing contracts: `{"detail"}`, `{"status": "error"}`, and the platform's."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from protocol.errors import ERRORS, ErrorCode, Refused
from server.routes.api.requests import json
from server.routes.problems import headers_of

Handler = Callable[[Request], Awaitable[Response]]
Form = Callable[[Refused], Response]
E = ErrorCode

#: Where `/api/crew/*` answers with another status than the wire contract's errors do.
STATUS: Mapping[ErrorCode, int] = {
    E.BAD_JSON: 422, E.BAD_FRAME: 422, E.MISSING_INPUTS: 400, E.UNKNOWN_CHECKPOINT: 400, E.NOT_OFFERED: 400,
    E.NEEDS_FEEDBACK: 400, E.INVALID_OUTPUT: 400, E.ALREADY_DECIDED: 404, E.ENDED: 404, E.CONFLICT: 404,
}  # fmt: skip
#: The same for CrewAI's platform. Whatever no longer waits for a person is a bad request there.
PLATFORM: Mapping[ErrorCode, int] = {
    E.BAD_FIELD: 400, E.UNKNOWN_CHECKPOINT: 400, E.NOT_OFFERED: 400, E.NEEDS_FEEDBACK: 400, E.INVALID_OUTPUT: 400,
    E.ALREADY_DECIDED: 400, E.ENDED: 400, E.CONFLICT: 400,
}  # fmt: skip
#: Refusals for who asks, and not for what is asked.
WHO = (E.UNAUTHENTICATED, E.FORBIDDEN, E.RATE_LIMITED)
#: How the platform calls its errors, by status.
TITLES: Mapping[int, str] = {400: "Invalid Request", 404: "Not Found", 422: "Validation Error"}


def answering(form: Form, handler: Handler) -> Handler:
    """Have a handler's refusals answered in a form."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return form(refused)

    return answered


def detail(refused: Refused) -> Response:
    """Answer as `/api/crew/*` does: `{"detail"}`, which is a list where the body is at fault."""
    status = STATUS.get(refused.code, ERRORS[refused.code].status)
    return json({"detail": refused.detail.get("body") or refused.message}, status, headers_of(refused))


def error(refused: Refused) -> Response:
    """Answer as `POST /api/crew` does: `{"status": "error", "error"}` with 400, or 500 where it is not the client's.

    Who asks, what they may and how much of it is no part of that contract, and is told as everywhere.
    """
    status = 500 if ERRORS[refused.code].status >= 500 or refused.code is E.CREW_BROKEN else 400
    status = ERRORS[refused.code].status if refused.code in WHO else status
    extra = {name: value for name, value in refused.detail.items() if name == "execution_id"}
    return json({"status": "error", "error": refused.message, **extra}, status, headers_of(refused))


def platform(refused: Refused) -> Response:
    """Answer as CrewAI's platform does: `{"error", "message", "details"?}`; and `detail`, as our other doors."""
    status = PLATFORM.get(refused.code, ERRORS[refused.code].status)
    title = TITLES.get(status, "Internal Server Error" if status >= 500 else "Error")
    body: dict[str, Any] = {"error": title, "message": refused.message, "detail": refused.message}
    if refused.code is E.MISSING_INPUTS:
        body["details"] = {"missing_inputs": refused.detail["inputs"]}
    return json(body, status, headers_of(refused))
