"""AG-UI."""

from server.routes.agui.request import RunAgentInput
from server.routes.openapi.operations.row import SSE, TEXT_SCHEMA, Answer, Operation

AG_UI = [
    Operation(
        "POST", "/ag-ui/{crew}", "agUiRun", "AG-UI",
        "Start, answer or attach to an execution by AG-UI 1.0, and stream its events up to the next checkpoint.",
        {200: Answer("AG-UI's events.", {SSE: TEXT_SCHEMA})}, body=RunAgentInput,
    ),
]  # fmt: skip
