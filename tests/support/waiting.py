"""Waiting for conditions, never for durations."""

import time
from collections.abc import Awaitable, Callable

import anyio


async def wait_until(
    predicate: Callable[[], bool] | Callable[[], Awaitable[bool]], *, description: str, timeout: float = 10
) -> None:
    """Return when the predicate holds; fail with the description when it does not within `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        result = predicate()
        if (result if isinstance(result, bool) else await result) is True:
            return
        assert time.monotonic() < end, f"not within {timeout} s: {description}"
        await anyio.sleep(0.005)
