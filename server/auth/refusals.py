"""What somebody is told who is not let in."""

from protocol.errors import ErrorCode, Refused


def unauthenticated(reason: str) -> Refused:
    """Say why somebody is not let in."""
    return Refused(ErrorCode.UNAUTHENTICATED, reason)


def stranger() -> Refused:
    """Ask who it is."""
    return unauthenticated("Say who you are: send `Authorization: Bearer TOKEN`.")


def unavailable(what: str) -> Refused:
    """Say that it cannot be found out now who somebody is."""
    return Refused(ErrorCode.UNAVAILABLE, f"{what}; try again.", retry_after=1.0)
