"""What an operator's machines ask, and these documents."""

from server.routes.openapi.operations.row import JSON, TEXT, TEXT_SCHEMA, Answer, Operation, ok
from server.routes.openapi.operations.shapes import Healthy

OPEN_OBJECT = {"type": "object"}
ASKED = [
    Operation(
        "GET", "/health", "health", "operations", "Tell whether all is well, and how much goes on.",
        {**ok(Healthy), 503: Answer("It is not well.", {JSON: OPEN_OBJECT})},
    ),
    Operation(
        "GET", "/healthz", "alive", "operations", "Tell that the process answers.", ok(OPEN_OBJECT)
    ),
    Operation(
        "GET", "/readyz", "ready", "operations", "Try all that a request needs.",
        {**ok(OPEN_OBJECT), 503: Answer("Something does not work; which, it says.", {JSON: OPEN_OBJECT})},
    ),
    Operation(
        "GET", "/metrics", "metrics", "operations", "Give the metrics, in Prometheus's text format.",
        {200: Answer("Done.", {TEXT: TEXT_SCHEMA})},
    ),
    Operation(
        "GET", "/openapi.json", "openapi", "operations", "Give this document.", ok(OPEN_OBJECT)
    ),
    Operation(
        "GET", "/docs", "docs", "operations", "Give this document as a page.",
        {200: Answer("Done.", {"text/html": TEXT_SCHEMA})},
    ),
]  # fmt: skip
#: Everybody may ask, and is not refused.
OPERATING = [operation._replace(refusal=None, open=True) for operation in ASKED]
