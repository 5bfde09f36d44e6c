"""One subscriber connection to Redis per process, which notices when it has gone deaf.

redis-py's own `PubSub` resubscribes silently after a lost connection, so that nobody learns of the messages that were
published meanwhile; and a connection to a frozen or demoted server stays open for ever without a word. So this owns the
connection: it publishes a probe through Redis and expects it back, drops a connection on which nothing is heard,
subscribes again, and tells each listener that it may have missed something.

`subscriber` owns the connection, `subscription` is one channel on it, `probe` proves the way through Redis and back.
"""

from server.pubsub.subscriber import PubSub, Times
from server.pubsub.subscription import Listener

__all__ = ["Listener", "PubSub", "Times"]
