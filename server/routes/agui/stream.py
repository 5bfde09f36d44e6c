"""The answer to a run: AG-UI's events over server-sent events, up to the run's end."""

from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from protocol.frames import decode_server_frame
from protocol.ids import ExecutionId
from server.hub import Hub
from server.outlet import ABORT, Outlet
from server.outlet.pumped import PumpedOutlet
from server.recovery import After
from server.routes.agui.events import AgEvent
from server.routes.agui.translation import Translation
from server.routes.api.event_stream import FRAMES, GRACE, HEADERS, carry


def written(events: Iterable[AgEvent]) -> bytes:
    """Write events as server-sent ones."""
    return b"".join(b"data: %s\n\n" % msgspec.json.encode(event) for event in events)


class RunOutlet(PumpedOutlet):
    """Sends an execution's frames as a run's events."""

    __slots__ = ("_translation",)

    def __init__(self, translation: Translation) -> None:
        super().__init__()
        self.encoding = FRAMES
        self._translation = translation

    def message(self, message: bytes) -> dict[str, Any]:
        """Send what a frame says, if it says anything; an empty one is a sign of life."""
        events = self._translation.take(decode_server_frame(message)) if message else ()
        body = written(events) if message else b": still here\n\n"
        return {"type": "http.response.body", "body": body, "more_body": True}

    def closing(self, code: int, reason: str) -> dict[str, Any]:
        """End the body."""
        return {"type": "http.response.body", "body": b"", "more_body": False}

    async def _send_held(self, send: Any) -> None:
        while self._held and self._ending is None and not self._translation.over:
            await super()._send_held(send)
        if self._translation.over:
            self.end(0, "over", (), GRACE)


class RunStream(Response):
    """A run that goes on until its execution asks somebody, or ends; a client that leaves ends nothing but this."""

    def __init__(
        self,
        hub: Hub,
        execution: ExecutionId,
        after: After,
        translation: Translation,
        first: bytes,
        outlets: set[Outlet],
    ) -> None:
        super().__init__()
        self.hub = hub
        self.execution = execution
        self.after = after
        self.translation = translation
        self.first = first
        self.outlets = outlets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch for as long as it takes; raises `Refused` before anything is sent."""
        outlet = RunOutlet(self.translation)
        watch, found = await self.hub.watch(self.execution, outlet, self.after)
        self.outlets.add(outlet)
        abort = scope.get("state", {}).get(ABORT)
        outlet.on_slow = lambda: _give_up(outlet, abort)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": self.first, "more_body": True})
            watch.begin(found)
            await carry(outlet, receive, send)
        finally:
            self.outlets.discard(outlet)
            outlet.on_slow = None
            watch.close()


def _give_up(outlet: RunOutlet, abort: Any) -> None:
    if abort is not None:
        abort()
    outlet.end(0, "slow", (), 0.0)
