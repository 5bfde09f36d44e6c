"""When an execution only waits for people: somebody is asked, and no call to a model or a tool is under way."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class Quiet:
    """Counts questions that wait and calls that are under way. Changed from any thread, awaited on the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._asking = 0
        self._busy = 0
        self._since: float | None = None
        self._before = 0.0
        self._changed = asyncio.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count a question while it waits."""
        self._change(asking=1)
        try:
            yield
        finally:
            self._change(asking=-1)

    def busy(self, change: int) -> None:
        """Count a call that begins or ends."""
        self._change(busy=change)

    def _change(self, *, asking: int = 0, busy: int = 0) -> None:
        with self._lock:
            self._asking += asking
            self._busy += busy
            quiet = self._asking > 0 and self._busy == 0
            if quiet == (self._since is not None):
                return
            if self._since is not None:
                self._before += self._loop.time() - self._since
            self._since = self._loop.time() if quiet else None
        self._loop.call_soon_threadsafe(self._changed.set)

    @property
    def total(self) -> float:
        """Seconds that it has been quiet in all."""
        with self._lock:
            return self._before + (self._loop.time() - self._since if self._since is not None else 0.0)

    async def last(self, seconds: float) -> None:
        """Wait until it has been quiet for so long, without a break."""
        while (since := self._since) is None or self._loop.time() < since + seconds:
            self._changed.clear()
            left = None if since is None else max(0.0, since + seconds - self._loop.time())
            with anyio.move_on_after(left):
                await self._changed.wait()
