"""What a connection may do, and how long it may be silent."""

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.frames import MAX_FRAME, Limits
from server.settings.origins import is_of_host

#: Announced when the rate is not limited.
UNLIMITED = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Limits of every connection. `origins`: pages that may connect from a browser, beside those of the own host.

    `heartbeat` and `patience` are in seconds: a ping at least every `heartbeat`, a word within `patience` of it. Where
    people must say who they are, they have `auth_limit` seconds for it.
    """

    origins: Sequence[str] = ()
    heartbeat: int = 25
    patience: float = 10.0
    watches: int = 100
    commands_per_10s: int | None = 200
    command_limit: float = 10.0
    auth_limit: float = 10.0

    @property
    def limits(self) -> Limits:
        """The limits as `welcome` announces them."""
        return Limits(frame=MAX_FRAME, watches=self.watches, commands_per_10s=self.commands_per_10s or UNLIMITED)

    def admits(self, origin: str | None, host: str | None) -> bool:
        """Tell whether a page of this origin may connect. Programs send no origin, and may."""
        return origin is None or origin in self.origins or is_of_host(origin, host or "")


class Rate:
    """A bucket of commands: full at first, filled again within ten seconds."""

    __slots__ = ("_at", "_left", "_size")

    def __init__(self, size: int | None, now: float) -> None:
        self._size = size
        self._left = float(size or 0)
        self._at = now

    def take(self, now: float) -> float:
        """Take one; return 0, or how many seconds until there is one again."""
        if self._size is None:
            return 0.0
        per_second = self._size / 10
        self._left = min(float(self._size), self._left + (now - self._at) * per_second)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / per_second
        self._left -= 1
        return 0.0
