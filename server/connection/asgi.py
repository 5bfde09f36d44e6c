"""The way out through plain ASGI `send`, for servers that do not hand over an outlet of their own."""

from typing import Any

from server.outlet.pumped import PumpedOutlet


class AsgiOutlet(PumpedOutlet):
    """Sends messages that the server frames."""

    __slots__ = ()

    def message(self, message: str | bytes) -> dict[str, Any]:
        """Send a text or bytes."""
        return {"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message}

    def closing(self, code: int, reason: str) -> dict[str, Any]:
        """Close the socket."""
        return {"type": "websocket.close", "code": code, "reason": reason}
