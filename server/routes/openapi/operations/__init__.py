"""Every operation over HTTP, as data: where it is, what it takes, what it gives. Pure.

A test holds this table against the routes that a web process serves, so that neither is without the other.
"""

from collections.abc import Sequence

from server.routes.openapi.operations.agui import AG_UI
from server.routes.openapi.operations.existing import EXISTING, PLATFORM
from server.routes.openapi.operations.native import CHECKPOINTS, CONNECTING, EXECUTIONS
from server.routes.openapi.operations.operating import OPEN_OBJECT, OPERATING
from server.routes.openapi.operations.row import (
    BYTES,
    CHECKPOINT,
    COMMAND,
    CURSOR,
    JSON,
    KEY,
    LIMIT,
    NAMED,
    ONE,
    SSE,
    TEXT,
    TEXT_SCHEMA,
    Answer,
    Operation,
    Parameter,
    Refusal,
    ok,
)  # fmt: skip

__all__ = [
    "BYTES", "CHECKPOINT", "COMMAND", "CURSOR", "JSON", "KEY", "LIMIT", "NAMED", "ONE", "OPEN_OBJECT", "OPERATIONS",
    "SSE", "TEXT", "TEXT_SCHEMA", "Answer", "Operation", "Parameter", "Refusal", "ok",
]  # fmt: skip

OPERATIONS: Sequence[Operation] = (
    *EXECUTIONS, *CHECKPOINTS, *CONNECTING, *AG_UI, *EXISTING, *PLATFORM, *OPERATING,
)  # fmt: skip
