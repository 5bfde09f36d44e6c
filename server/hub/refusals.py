"""What the hub refuses, or tells when it can no longer serve."""

from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId


def unknown(execution: ExecutionId) -> Refused:
    """Say that there is no such execution, in the words that `dispatch` has for it."""
    return Refused(ErrorCode.NOT_FOUND, f"There is no execution {execution}.")


def gone(execution: ExecutionId) -> Refused:
    """Say that an execution that was watched exists no more."""
    return Refused(ErrorCode.NOT_FOUND, "The execution is gone.", execution=execution)


def unavailable() -> Refused:
    """Say that Redis is out of reach."""
    return Refused(ErrorCode.UNAVAILABLE, "Redis does not answer.", retry_after=1.0)
