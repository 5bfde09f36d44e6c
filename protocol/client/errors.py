"""What goes wrong: a command that is refused, a server that does not want us back."""

from protocol.frames import Error


class CommandError(Exception):
    """Raised when the server refuses a command. `retry`: the same may succeed later, after `retry_after` seconds."""

    def __init__(self, frame: Error) -> None:
        super().__init__(frame.message)
        self.code = frame.code
        self.retry = frame.retry
        self.retry_after = frame.retry_after
        self.detail = frame.detail or {}


class Disconnected(Exception):
    """Raised when there is no connection any more, and none will be made: the client is closed, or was sent away."""


class Unauthenticated(Disconnected):
    """Raised when the server asks who we are, and there is no token, or none that it takes."""
