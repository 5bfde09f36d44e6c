"""A client's connection: the handshake (`endpoint`), its commands (`connection`), its signs of life (`heartbeat`).

`asgi` is the way out on ASGI servers that do not hand over a faster one.
"""

from server.connection.connection import Connection, Dispatch
from server.connection.endpoint import Endpoint
from server.connection.policy import Policy

__all__ = ["Connection", "Dispatch", "Endpoint", "Policy"]
