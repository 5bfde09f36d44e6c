"""Requests that wait: for as long as somebody is there for the answer, and may have it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from starlette.requests import Request

from protocol.errors import Refused
from server.auth.refusals import unauthenticated
from server.routes.asking import visitor_of

T = TypeVar("T")


async def while_there(request: Request, work: Callable[[], Awaitable[T]]) -> T | None:
    """Do something for as long as the client waits for it; None when it has left first.

    Raises `Refused` as the work does, and when it is believed no longer who asked. The request's body must have been
    read.
    """
    found: list[T] = []
    refusals: list[Refused] = []

    async def do() -> None:
        try:
            found.append(await work())
        except Refused as refused:
            refusals.append(refused)  # out of a task group it would come in a group
        group.cancel_scope.cancel()

    async def expire() -> None:
        await visitor_of(request).over()
        refusals.append(unauthenticated("Who you are has expired, or was revoked, while this waited; say it anew."))
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(do)
        group.start_soon(expire)
        await _gone(request)
        group.cancel_scope.cancel()
    if found:
        return found[0]
    if refusals:
        raise refusals[0]
    return None


async def _gone(request: Request) -> None:
    """Return when the client has left."""
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await request.receive()
