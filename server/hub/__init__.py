"""From Redis to sockets: each message is encoded once and written to all who watch.

`channel` keeps the order of one execution's events, `watch` brings one watcher from its position to live,
`inbox` does both for the checkpoints that wait for a person; `hub` opens, repairs and forgets channels.
"""

from server.hub.hub import Hub
from server.hub.inbox import InboxWatch
from server.hub.watch import Watch

__all__ = ["Hub", "InboxWatch", "Watch"]
