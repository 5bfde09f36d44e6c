"""The way out through plain ASGI `send`: what is written waits here for one task that sends it in order."""

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from server.outlet import STALL, Outlet

#: Below this many waiting bytes a replay goes on.
LOW = 1 << 16
Send = Callable[[Any], Awaitable[None]]


class PumpedOutlet(Outlet):
    """Holds messages, and sends them while `pump` runs. `wire` is a tuple of texts or bytes."""

    __slots__ = ("_ending", "_ready")

    def __init__(self) -> None:
        super().__init__(self._put)
        self._ready = asyncio.Event()
        self._ending: tuple[int, str, float] | None = None

    @abstractmethod
    def message(self, message: Any) -> dict[str, Any]:
        """Make the ASGI event that sends one message."""

    @abstractmethod
    def closing(self, code: int, reason: str) -> dict[str, Any]:
        """Make the ASGI event that ends it all."""

    def _put(self, wire: tuple[str | bytes, ...]) -> None:
        for message in wire:
            self._hold(message, len(message))
        self.flowing = self.open and self.held < LOW
        self._ready.set()

    def end(self, code: int, reason: str, last: tuple[str | bytes, ...], grace: float) -> None:
        """Close behind the last words."""
        if self._ending is None:
            self.shut()
            self._held = deque(last)
            self._ending = (code, reason, grace)
            self._ready.set()

    async def pump(self, send: Send) -> None:
        """Send what is written until the outlet ends."""
        try:
            while self._ending is None:
                await self._ready.wait()
                self._ready.clear()
                await self._send_held(send)
            await self._close(send, *self._ending)
        except (OSError, RuntimeError):
            self.shut()  # the peer is gone; the receiving side learns it too

    async def _send_held(self, send: Send) -> None:
        while self._held and self._ending is None:
            message = self._held.popleft()
            with anyio.move_on_after(STALL) as limit:
                await send(self.message(message))
            if limit.cancelled_caught:
                self._give_up()
                return
            self.held = max(0, self.held - len(message))
            self.flowing = self.open and self.held < LOW
            if self.flowing:
                self._wake()

    async def _close(self, send: Send, code: int, reason: str, grace: float) -> None:
        with anyio.move_on_after(grace):
            for message in self._held or ():
                await send(self.message(message))
            await send(self.closing(code, reason))
