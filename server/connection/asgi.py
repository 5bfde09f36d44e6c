"""The way out through plain ASGI `send`, for servers that do not hand over an outlet of their own."""

import asyncio
from collections import deque
from typing import Any

import anyio
from starlette.types import Send

from server.outlet import STALL, Outlet

#: Below this many waiting bytes a replay goes on.
LOW = 1 << 16


class AsgiOutlet(Outlet):
    """Holds messages for one task that sends them in order. `wire` is a tuple of texts or bytes."""

    __slots__ = ("_ending", "_ready")

    def __init__(self) -> None:
        super().__init__(self._put)
        self._ready = asyncio.Event()
        self._ending: tuple[int, str, float] | None = None

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
                await send(_message(message))
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
                await send(_message(message))
            await send({"type": "websocket.close", "code": code, "reason": reason})


def _message(message: str | bytes) -> dict[str, Any]:
    return {"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message}
