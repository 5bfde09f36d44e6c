"""The guard: no other web page may drive a user's local server through the user's browser.

A browser tells the page's origin on every WebSocket handshake and on every request that may change something. In
open mode the host that is asked for must be this machine's too: else a page could point a name of its own at 127.0.0.1
and be of the "same" origin (DNS rebinding).
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from server.settings import is_loopback
from server.settings.origins import is_of_host

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuse requests from foreign pages. `origins`: pages that may; `anywhere`: any host name is ours."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str] = (), anywhere: bool = False) -> None:
        self.app = app
        self.origins = frozenset(origins)
        self.anywhere = anywhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        reason = self.refusal(scope.get("method", "GET"), Headers(scope=scope), websocket=scope["type"] == "websocket")
        if reason is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(reason, 403)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "forbidden"})

    def refusal(self, method: str, headers: Headers, *, websocket: bool) -> str | None:
        """Tell why a request is refused; nothing when it is not."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.anywhere and not self._ours(host):
            return f"The host {host!r} is not this server's. Set QUARTERDECK_ORIGINS to the pages that may use it.\n"
        if origin is None or (method in SAFE and not websocket) or self._admits(origin, host):
            return None
        return f"The page {origin} may not use this server. Set QUARTERDECK_ORIGINS to the pages that may.\n"

    def _ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or any(is_of_host(origin, host) for origin in self.origins)

    def _admits(self, origin: str, host: str) -> bool:
        return origin in self.origins or is_of_host(origin, host)
