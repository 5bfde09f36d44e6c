"""Who listens to a channel: outlets by encoding, so that a message is encoded once for all of a kind."""

import logging
from collections.abc import Sequence

from server.outlet import Encoding, Outlet

logger = logging.getLogger(__name__)


class Audience:
    """A set of outlets. `written` counts frames times outlets."""

    __slots__ = ("_groups", "written")

    def __init__(self) -> None:
        self._groups: dict[Encoding, dict[Outlet, None]] = {}
        self.written = 0

    def __bool__(self) -> bool:
        return bool(self._groups)

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def add(self, outlet: Outlet) -> None:
        """Let an outlet hear what comes from now on."""
        self._groups.setdefault(outlet.encoding, {})[outlet] = None

    def discard(self, outlet: Outlet) -> None:
        """Let it hear no more."""
        group = self._groups.get(outlet.encoding, {})
        group.pop(outlet, None)
        if not group:
            self._groups.pop(outlet.encoding, None)

    def clear(self) -> None:
        """Let nobody hear any more."""
        self._groups.clear()

    def send(self, frame: bytes) -> None:
        """Write one JSON frame to everybody. The hot loop of the server: no wait, no arithmetic per outlet."""
        for encoding, outlets in self._groups.items():
            wire = encoding.one(frame)
            for outlet in outlets:
                try:
                    outlet.write(wire)
                except Exception:
                    _break_off(outlet)
            self.written += len(outlets)

    def send_many(self, frames: Sequence[bytes]) -> None:
        """Write several frames to everybody, in one piece."""
        for encoding, outlets in self._groups.items():
            wire = encoding.many(frames)
            for outlet in outlets:
                try:
                    outlet.write(wire)
                except Exception:
                    _break_off(outlet)
            self.written += len(outlets) * len(frames)


def _break_off(outlet: Outlet) -> None:
    """Let one socket's failure be its own."""
    logger.exception("a socket could not be written to")
    outlet.shut()
