"""What people are shown is what the flow goes on with: a value that is recorded before it is judged."""

from typing import Any

from server.crews.calls.codec import Unwritable
from server.crews.flows.values import from_bytes, to_bytes
from server.crews.run import Run


async def kept(run: Run, step: str, value: Any) -> Any:
    """Record a value, or give the one that an earlier attempt recorded. What cannot be written goes as it is."""
    if (stored := run.journal.recall(step)) is not None:
        return from_bytes(stored)
    if (written := _written(value)) is not None:
        await run.record(step, written)
    return value


def kept_now(run: Run, step: str, value: Any) -> Any:
    """Do the same in a thread."""
    if (stored := run.journal.recall(step)) is not None:
        return from_bytes(stored)
    if (written := _written(value)) is not None:
        run.record_now(step, written)
    return value


def _written(value: Any) -> bytes | None:
    try:
        return to_bytes(value)
    except Unwritable:
        return None
