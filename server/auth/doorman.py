"""The doorman: who it is that shows a token."""

from protocol.errors import ErrorCode, Refused
from server.auth.principal import OPEN, Session


class Doorman:
    """Asks nobody, in open mode."""

    required = False

    def anybody(self) -> Session | None:
        """Give the session of somebody who has not said who they are; None where they must."""
        return Session(OPEN)

    async def admit(self, secret: str) -> Session:
        """Give the session that a token opens, or raise `Refused`."""
        return Session(OPEN)


def unauthenticated(reason: str) -> Refused:
    """Say why somebody is not let in."""
    return Refused(ErrorCode.UNAUTHENTICATED, reason)
