"""Who may do what. Pure: a principal, a command, and a code when it is refused."""

from protocol.commands import AnyCommand, Auth
from protocol.errors import ErrorCode
from server import keys
from server.auth import Principal


def authorize(principal: Principal, command: AnyCommand) -> ErrorCode | None:
    """Tell why a principal may not give a command; nothing when it may.

    In open mode nobody is told apart: whoever reaches the server may do everything within its one tenant, and there
    is nothing to authenticate with.
    """
    if principal.tenant != keys.OPEN_TENANT or isinstance(command, Auth):
        return ErrorCode.FORBIDDEN
    return None
