"""Waiting for the end of an execution, without asking again and again."""

import asyncio
from typing import Any

import anyio

from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server.auth import Principal
from server.dispatch import Dispatch
from server.execution import ENDS
from server.hub import Hub
from server.outlet import Outlet
from server.routes.api.event_stream import FRAMES, LAST

#: Frames behind which an execution may have ended: the ends, an error, and a snapshot of what was lost.
TELLING = (*LAST, b'{"type":"snapshot"')


class Ending(Outlet):
    """Rings when an execution may have ended, or when nothing more will come."""

    __slots__ = ("rung",)

    def __init__(self) -> None:
        super().__init__(self._hear)
        self.encoding = FRAMES
        self.rung = asyncio.Event()

    def _hear(self, wire: tuple[bytes, ...]) -> None:
        if any(frame.startswith(TELLING) for frame in wire):
            self.rung.set()

    def end(self, code: int, reason: str, last: Any, grace: float) -> None:
        """Wait no longer."""
        self.shut()
        self.rung.set()


class Endings:
    """Those who wait for an execution to end."""

    def __init__(self, dispatch: Dispatch, hub: Hub) -> None:
        self.dispatch = dispatch
        self.hub = hub
        self.waiting: set[Ending] = set()
        self.draining = False

    async def until(self, principal: Principal, execution: ExecutionId, limit: float) -> bool:
        """Wait until an execution has ended, at most so many seconds; tell whether it has. Cancelling leaves no trace.

        Raises `Refused` when the server shuts down, or Redis is away.
        """
        if self.draining:
            raise leaving(execution)
        ending = Ending()
        watch, found = await self.hub.watch(principal.tenant, execution, ending, "now")
        self.waiting.add(ending)
        try:
            watch.begin(found)
            with anyio.move_on_after(limit):
                while not await self._ended(principal, execution):
                    await ending.rung.wait()
                    ending.rung.clear()
                    if not ending.open:
                        raise leaving(execution)
                return True
            return False
        finally:
            self.waiting.discard(ending)
            watch.close()

    async def _ended(self, principal: Principal, execution: ExecutionId) -> bool:
        seen = await self.dispatch.watchable(execution, principal)
        return seen.state in ENDS

    async def drain(self) -> None:
        """Take leave of all who wait, and of those who still come."""
        self.draining = True
        for ending in list(self.waiting):
            ending.end(0, "draining", (), 0.0)


def leaving(execution: ExecutionId) -> Refused:
    """Say that the wait is over, and the execution is not."""
    return Refused(ErrorCode.UNAVAILABLE, "The server is shutting down; the execution goes on.", execution_id=execution)
