"""The doorkeeper: nobody gets further over HTTP than to what is open to everybody without saying who they are.

It stands before all routes, so that a new one is closed until it is listed here. The socket is not its business: who
connects says who they are there.
"""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from protocol.errors import Refused
from server.auth.doorman import Doorman
from server.routes.asking import Visitor, put_visitor
from server.routes.problems import told_at

#: What machines, and people who are about to sign in, may ask. Nothing of it tells anything of an execution.
OPEN = frozenset({
    "/", "/health", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/asyncapi.json", "/favicon.svg",
})  # fmt: skip
#: The page, its files and its deep links: what they show, they ask for on the socket.
OPEN_BELOW = ("/static/", "/x/", "/docs/")


class Doorkeeper:
    """Find out who sends each request, and refuse it with 401 where that must be known."""

    def __init__(self, app: ASGIApp, *, doorman: Doorman) -> None:
        self.app = app
        self.doorman = doorman

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its session, or answer it."""
        if scope["type"] == "http":
            try:
                put_visitor(scope, await self._visitor(scope))
            except Refused as refused:
                await self._refuse(scope, refused)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _visitor(self, scope: Scope) -> Visitor | None:
        secret = bearer(Headers(scope=scope).get("authorization", ""))
        if not secret and is_open(path_of(scope)):
            session = self.doorman.anybody()
            return None if session is None else Visitor(session, self.doorman)
        return Visitor(await self.doorman.admit(secret), self.doorman)

    def _refuse(self, scope: Scope, refused: Refused) -> Response:
        return told_at(path_of(scope), refused)


def path_of(scope: Scope) -> str:
    """Give the path of a request below where the server is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "").rstrip("/"))


def bearer(header: str) -> str:
    """Take the token out of an `Authorization` header; "" when there is none."""
    scheme, _, secret = header.strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def is_open(path: str) -> bool:
    """Tell whether everybody may ask for a path."""
    return path in OPEN or path.startswith(OPEN_BELOW)
