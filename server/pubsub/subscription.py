"""One channel of the subscriber connection, and who hears it."""

import asyncio
import math
from typing import Protocol


class Listener(Protocol):
    """Who hears a channel. All of it is called from the reader and must be quick; none of it may wait."""

    def deliver(self, payload: bytes) -> None:
        """Take one message."""

    def missed(self) -> None:
        """Learn that messages may have been lost until now; from now on none are."""

    def dropped(self) -> None:
        """Learn that the channel is no longer subscribed."""


class Subscription:
    """A channel with its one listener. `users` of it may come and go; without any it lingers a while."""

    __slots__ = ("_waiting", "confirmed", "deliver", "heard", "idle", "listener", "name", "users")

    def __init__(self, name: bytes, listener: Listener) -> None:
        self.name = name
        self.listener = listener
        self.deliver = listener.deliver
        self.users = 0
        self.idle = math.inf
        #: The server has confirmed the subscription, on this connection.
        self.confirmed = False
        #: It was confirmed before, on this connection or an earlier one.
        self.heard = False
        self._waiting: asyncio.Event | None = None

    async def wait(self) -> None:
        """Return once the server has confirmed it."""
        while not self.confirmed:
            self._waiting = self._waiting or asyncio.Event()
            await self._waiting.wait()

    def confirm(self) -> None:
        """Take the server's confirmation; a second one means that the first did not last."""
        self.confirmed = True
        if self._waiting is not None:
            self._waiting.set()
            self._waiting = None
        if self.heard:
            self.listener.missed()
        self.heard = True
