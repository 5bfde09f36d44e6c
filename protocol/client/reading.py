"""Reading what a server sends, a newer one's frames included: what is not known yet is passed over or handed on."""

from typing import Any

import msgspec

from protocol.client.watch import UnknownEvent
from protocol.frames import decode_server_frame

_unknown = msgspec.json.Decoder(UnknownEvent).decode


def read(message: str | bytes) -> Any:
    """Read a frame; None for a control frame that this version does not know."""
    raw = message.encode() if isinstance(message, str) else message
    try:
        return decode_server_frame(raw)
    except msgspec.ValidationError:
        try:
            event = _unknown(raw)
        except msgspec.ValidationError:
            return None
        return event if "." in event.type else None
