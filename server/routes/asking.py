"""Who sent a request. The doorkeeper has found out before any route sees it; see `server/app/doorkeeper.py`."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Scope

from server.auth import Principal, Session
from server.auth.doorman import Doorman
from server.auth.refusals import stranger

#: Under this name the visitor is in the ASGI scope's `state`.
VISITOR = "visitor"


@dataclass(frozen=True)
class Visitor:
    """Who sent a request, and who knows for how long that is believed."""

    session: Session
    doorman: Doorman

    @property
    def principal(self) -> Principal:
        """Who it is."""
        return self.session.principal

    async def over(self) -> None:
        """Return when it is believed no longer."""
        await self.doorman.over(self.session)


def put_visitor(scope: Scope, visitor: Visitor | None) -> None:
    """Say who sent a request; None: nobody knows, and the route must be one that does not care."""
    scope.setdefault("state", {})[VISITOR] = visitor


def known_visitor(request: Request) -> Visitor | None:
    """Tell who sent the request, if that is known."""
    found: Visitor | None = request.scope["state"][VISITOR]
    return found


def visitor_of(request: Request) -> Visitor:
    """Tell who sent the request, or raise `Refused`."""
    if (found := known_visitor(request)) is None:
        raise stranger()
    return found


def principal_of(request: Request) -> Principal:
    """Tell as whom to carry out what is asked for, or raise `Refused`."""
    return visitor_of(request).principal
