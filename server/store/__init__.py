"""The store: the only place that changes an execution in Redis, and the one that reads it back.

`writer` appends events, `reader` reads executions and logs, `lists` keeps the sorted sets that are derived from them,
`workers` keeps what workers say of themselves.
"""

from server.store.lists import Lists
from server.store.reader import Holder, Reader
from server.store.workers import WorkerReport, Workers
from server.store.writer import Write, Writer


class Store(Writer):
    """One tenant's executions."""


__all__ = ["Holder", "Lists", "Reader", "Store", "WorkerReport", "Workers", "Write", "Writer"]
