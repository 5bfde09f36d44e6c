"""Operations that give the socket's contract, as data."""

from server.routes.openapi.operations.operating import OPEN_OBJECT
from server.routes.openapi.operations.row import TEXT_SCHEMA, Answer, Operation, ok

CONTRACTS = [
    Operation(
        "GET", "/asyncapi.json", "asyncapi", "operations", "Give the AsyncAPI document of the socket.",
        ok(OPEN_OBJECT), refusal=None, open=True,
    ),
    Operation(
        "GET", "/docs/socket", "docsSocket", "operations", "Give that document as a page.",
        {200: Answer("Done.", {"text/html": TEXT_SCHEMA})}, refusal=None, open=True,
    ),
]  # fmt: skip
