"""From where a request or a socket comes, for the rate limits and the log; and the trace that it is part of."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from server import traces
from server.rates import ADDRESS


class Provenance:
    """Note the address of whoever asks: the one that a trusted proxy names, if there is one (uvicorn sees to that)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; each has a task, so a context, of its own."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if scope.get("client"):
            ADDRESS.set(scope["client"][0])
            bind_contextvars(address=scope["client"][0])
        with traces.coming_from(Headers(scope=scope).get(traces.HEADER)):
            await self.app(scope, receive, send)
