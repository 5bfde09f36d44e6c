"""The whole table of operations."""

from collections.abc import Sequence

from server.routes.openapi import operations
from server.routes.openapi.contracts import CONTRACTS
from server.routes.openapi.conversations import CONVERSATIONS
from server.routes.openapi.deliveries import DELIVERIES
from server.routes.openapi.operations.row import Operation

OPERATIONS: Sequence[Operation] = (*CONVERSATIONS, *operations.OPERATIONS, *CONTRACTS, *DELIVERIES)
