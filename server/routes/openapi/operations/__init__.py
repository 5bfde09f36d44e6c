"""Every operation over HTTP, as data: where it is, what it takes, what it gives. Pure.

A test holds this table against the routes that a web process serves, so that neither is without the other.
"""

from collections.abc import Sequence

from server.routes.openapi.operations.agui import AG_UI
from server.routes.openapi.operations.existing import EXISTING, PLATFORM
from server.routes.openapi.operations.native import CHECKPOINTS, CONNECTING, EXECUTIONS
from server.routes.openapi.operations.operating import OPERATING
from server.routes.openapi.operations.row import Operation

OPERATIONS: Sequence[Operation] = (
    *EXECUTIONS, *CHECKPOINTS, *CONNECTING, *AG_UI, *EXISTING, *PLATFORM, *OPERATING,
)  # fmt: skip
