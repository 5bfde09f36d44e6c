"""Work that a thread hands to the event loop, and takes back where the loop does not come to it.

A crew's code may block the loop until a thread of its own is done (crewai does, where it makes a coroutine
synchronous). If that thread waited for the loop in turn, both would wait for ever, and with them every execution of the
worker.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

#: Seconds within which the loop must come to what a thread hands it.
LIMIT = 5.0

ResultT = TypeVar("ResultT")
Work = Callable[[], Coroutine[Any, Any, ResultT]]


def hand_over(loop: asyncio.AbstractEventLoop, work: Work[ResultT]) -> "concurrent.futures.Future[ResultT] | None":
    """Have the loop begin `work`, and give its future; None when it did not within `LIMIT`, and never will."""
    claim, begun = threading.Lock(), threading.Event()

    async def begin() -> Any:
        if not claim.acquire(blocking=False):
            return None
        begun.set()
        return await work()

    future = asyncio.run_coroutine_threadsafe(begin(), loop)
    return future if begun.wait(LIMIT) or not claim.acquire(blocking=False) else None
