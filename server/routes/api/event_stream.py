"""Server-sent events: the frames that a socket gets, each behind `data:`, in the format that HTML defines.

What has a position carries it as its `id`, which a browser sends back as `Last-Event-ID` when it has lost the
connection: it goes on where it was. The stream ends behind the event that ends the execution.
"""

import asyncio
from typing import Any

import anyio
import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from protocol.events import EventType
from protocol.ids import ExecutionId
from server.execution import ENDS
from server.hub import Hub
from server.outlet import ABORT, Encoding, Outlet
from server.outlet.pumped import PumpedOutlet
from server.recovery import After
from server.routes.asking import Visitor
from server.routes.places import Places

#: A comment is sent this often, in seconds, so that nobody in between takes the connection for dead.
HEARTBEAT = 15.0
#: A client that lost the connection is to come back after this, in milliseconds.
RETRY = 1000
#: What is behind the last words may take so long, in seconds.
GRACE = 1.0
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
#: Nobody is to come back on a connection to a server that shuts down.
CLOSING = (b"connection", b"close")
#: Frames that nothing follows: the ends of executions, and an error.
LAST = (
    *(b'{"type":"%s"' % kind.encode() for kind in EventType if kind in {f"execution.{state}" for state in ENDS}),
    b'{"type":"error"',
)
#: Frames that tell nothing new of an execution.
SILENT = (b'{"type":"synced"', b'{"type":"delta"', b'{"type":"presence"')
#: What a stream of events begins with.
FIRST = b"retry: %d\n\n" % RETRY
#: Frames as they are.
FRAMES = Encoding(lambda frame: (frame,), tuple)


class Position(msgspec.Struct, frozen=True):
    """What is read of a frame: where it stands, if it says so."""

    epoch: str | None = None
    offset: int | None = None


position_of = msgspec.json.Decoder(Position).decode


def server_sent(frame: bytes) -> bytes:
    """Write a frame as a server-sent event; an empty one as a comment."""
    if not frame:
        return b": still here\n\n"
    at = position_of(frame)
    ident = b"" if at.epoch is None or at.offset is None else b"id: %s:%d\n" % (at.epoch.encode(), at.offset)
    return b"%sdata: %s\n\n" % (ident, frame)


class Bell(Outlet):
    """Rings at the first frame that tells something."""

    __slots__ = ("rung",)

    def __init__(self) -> None:
        super().__init__(self._hear)
        self.encoding = FRAMES
        self.rung = asyncio.Event()

    def _hear(self, wire: tuple[bytes, ...]) -> None:
        if not all(frame.startswith(SILENT) for frame in wire):
            self.rung.set()

    def end(self, code: int, reason: str, last: Any, grace: float) -> None:
        """Wait for nothing any more."""
        self.shut()
        self.rung.set()


class EventOutlet(PumpedOutlet):
    """Sends frames as server-sent events, up to the last."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        super().__init__()
        self.encoding = FRAMES
        self._last = False

    def message(self, message: bytes) -> dict[str, Any]:
        """Send one frame."""
        self._last = self._last or message.startswith(LAST)
        return {"type": "http.response.body", "body": server_sent(message), "more_body": True}

    def closing(self, code: int, reason: str) -> dict[str, Any]:
        """End the body."""
        return {"type": "http.response.body", "body": b"", "more_body": False}

    async def _send_held(self, send: Send) -> None:
        await super()._send_held(send)
        if self._last and not self._held:
            self.end(0, "over", (), GRACE)


class Streamed(Response):
    """An execution's frames as an outlet says them, behind some first words, until it ends or the client leaves."""

    def __init__(
        self, hub: Hub, visitor: Visitor, execution: ExecutionId, after: After, outlet: PumpedOutlet, first: bytes,
        places: Places,
    ) -> None:  # fmt: skip
        super().__init__()
        self.hub = hub
        self.visitor = visitor
        self.execution = execution
        self.after = after
        self.outlet = outlet
        self.first = first
        self.places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch for as long as it takes; raises `Refused` before anything is sent."""
        with self.places.stream(self.outlet, self.visitor.principal):
            await self._stream(self.outlet, scope, receive, send)

    async def _stream(self, outlet: PumpedOutlet, scope: Scope, receive: Receive, send: Send) -> None:
        watch, found = await self.hub.watch(self.visitor.principal.tenant, self.execution, outlet, self.after)
        abort = scope.get("state", {}).get(ABORT)
        outlet.on_slow = lambda: _give_up(outlet, abort)
        headers = [*HEADERS, *([CLOSING] if self.places.draining else ())]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self.first, "more_body": True})
            watch.begin(found)
            await _carry(outlet, receive, send, self.visitor)
        finally:
            outlet.on_slow = None
            watch.close()


def _give_up(outlet: PumpedOutlet, abort: Any) -> None:
    """Leave a client that takes too little; it comes back to where it was."""
    if abort is not None:
        abort()
    outlet.end(0, "slow", (), 0.0)


async def _carry(outlet: PumpedOutlet, receive: Receive, send: Send, visitor: Visitor) -> None:
    """Send what an outlet holds until it ends, with a sign of life now and then; a client that leaves ends it."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_leave, outlet, receive)
        tasks.start_soon(_beat, outlet)
        tasks.start_soon(_expire, outlet, visitor)
        await outlet.pump(send)
        tasks.cancel_scope.cancel()


async def _leave(outlet: PumpedOutlet, receive: Receive) -> None:
    """Notice that the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    outlet.end(0, "gone", (), 0.0)


async def _expire(outlet: PumpedOutlet, visitor: Visitor) -> None:
    """Say no more to who is believed no longer."""
    await visitor.over()
    outlet.end(0, "expired", (), GRACE)


async def _beat(outlet: PumpedOutlet) -> None:
    while True:
        await anyio.sleep(HEARTBEAT)
        outlet.send(b"")
