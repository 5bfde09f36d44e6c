"""Operations on conversations, as data."""

from protocol.replies import Conversations
from server.routes.openapi.operations.row import CURSOR, LIMIT, Operation, ok

CONVERSATIONS = [
    Operation(
        "GET", "/api/v1/conversations", "listConversations", "conversations",
        "List conversations, the one that was last spoken in first.", ok(Conversations), parameters=[CURSOR, LIMIT],
    ),
]  # fmt: skip
