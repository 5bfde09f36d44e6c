"""The store: the only place that changes an execution in Redis, and the one that reads it back.

`writer` appends events, `reader` reads executions and logs, `lists` keeps the sorted sets that are derived from them,
`forks` makes an execution of the beginning of another (by the rules of `retelling`), `viewers` knows who looks at what,
`outbox` keeps the calls to webhooks, `workers` what workers say of themselves.
"""

from server.store.forks import Forks, Shared, TooLong
from server.store.lists import Lists
from server.store.outbox import Claim, Outbox
from server.store.reader import Holder, Reader
from server.store.retelling import Untellable
from server.store.viewers import Seat, Viewers
from server.store.workers import WorkerReport, Workers
from server.store.writer import Write, Writer


class Store(Forks, Viewers):
    """One tenant's executions."""


__all__ = [
    "Claim", "Forks", "Holder", "Lists", "Outbox", "Reader", "Seat", "Shared", "Store", "TooLong", "Untellable",
    "Viewers", "WorkerReport", "Workers", "Write", "Writer",
]  # fmt: skip
