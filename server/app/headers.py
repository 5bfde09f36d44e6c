"""Headers that every answer has, unless it says otherwise itself: what browsers must not do with it.

The page's own policy (CSP) is made where the page is; these are for all the rest, as OWASP's list for APIs has them.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
#: What people and programs are told of executions is nobody's to keep, least of all a shared cache's.
DATA = {"cache-control": "no-store", "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
#: Only over TLS, where browsers take it: they are to come that way for a year.
SECURE = {"strict-transport-security": "max-age=31536000"}


class Headers:
    """Add them to answers over HTTP."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to the head of its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = SECURE if scope.get("scheme") == "https" else {}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                data = DATA if headers.get("content-type", "").startswith(("application/", "text/plain")) else {}
                for name, value in (ALWAYS | data | secure).items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)
