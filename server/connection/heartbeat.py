"""Signs of life: a ping now and then, and the end of a connection that answers with nothing."""

import asyncio
import random
import time
from collections.abc import Callable

from protocol.frames import ServerPing, encode, timestamp
from server.connection.policy import Policy
from server.outlet import Outlet


class Heartbeat:
    """One clock per connection, and no task. `busy`: a command is at work, and frames wait to be read."""

    __slots__ = ("_beat_at", "_clock", "_loop", "_lost", "_outlet", "_policy", "busy")

    def __init__(self, outlet: Outlet, policy: Policy, lost: Callable[[], None]) -> None:
        self._outlet = outlet
        self._policy = policy
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._beat_at = 0.0
        self.busy = False
        self._clock = self._loop.call_later(random.uniform(0.5, 1) * policy.heartbeat, self._beat)

    def stop(self) -> None:
        """Stop the clock."""
        self._clock.cancel()

    def _beat(self) -> None:
        self._outlet.send(encode(ServerPing(at=timestamp(time.time()))))
        self._beat_at = self._loop.time()
        self._clock = self._loop.call_later(self._policy.patience, self._check)

    def _check(self) -> None:
        """A socket that is full has a clock of its own: its peer may not have seen the ping yet."""
        if self._outlet.heard >= self._beat_at or self.busy or not self._outlet.flowing:
            rest = max(0.0, self._policy.heartbeat - self._policy.patience)
            self._clock = self._loop.call_later(random.uniform(0.8, 1) * rest, self._beat)
        else:
            self._lost()
