"""The answer to a run: AG-UI's events over server-sent events, up to the run's end."""

from collections.abc import Iterable
from typing import Any

import msgspec

from protocol.frames import decode_server_frame
from server.outlet.pumped import PumpedOutlet
from server.routes.agui.events import AgEvent
from server.routes.agui.translation import Translation
from server.routes.api.event_stream import FRAMES, GRACE


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
