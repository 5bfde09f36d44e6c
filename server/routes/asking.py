"""Who sent a request. The doorkeeper has found out before any route sees it; see `server/app/doorkeeper.py`."""

from starlette.requests import Request
from starlette.types import Scope

from protocol.errors import ErrorCode, Refused
from server.auth import Principal, Session

#: Under this name the session is in the ASGI scope's `state`.
SESSION = "session"


def put_session(scope: Scope, session: Session | None) -> None:
    """Say who sent a request; None: nobody knows, and the route must be one that does not care."""
    scope.setdefault("state", {})[SESSION] = session


def session_of(request: Request) -> Session:
    """Tell who sent the request, and for how long that is believed."""
    found: Session | None = request.scope["state"][SESSION]
    if found is None:
        raise Refused(ErrorCode.UNAUTHENTICATED, "Say who you are: send `Authorization: Bearer TOKEN`.")
    return found


def principal_of(request: Request) -> Principal:
    """Tell who sent the request."""
    return session_of(request).principal
