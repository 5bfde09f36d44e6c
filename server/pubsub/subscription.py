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

    __slots__ = ("confirmed", "deliver", "heard", "idle", "listener", "name", "users")

    def __init__(self, name: bytes, listener: Listener) -> None:
        self.name = name
        self.listener = listener
        self.deliver = listener.deliver
        self.users = 0
        self.idle = math.inf
        #: Set while the server has confirmed the subscription.
        self.confirmed = asyncio.Event()
        #: It was confirmed before, on this connection or an earlier one.
        self.heard = False
