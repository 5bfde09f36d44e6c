"""`/api/crew`, and CrewAI's platform."""

from server.routes.compat import bodies, platform_shown, shown
from server.routes.openapi.operations.row import CURSOR, LIMIT, TEXT_SCHEMA, Answer, Operation, Parameter, ok
from server.routes.openapi.operations.shapes import Ended, Feedback, Inputs, Kicked, Listing, Pong, Resumed

EXISTING = [
    Operation(
        "POST", "/api/crew/execute", "crewExecute", "existing front ends", "Start, and answer at once.",
        ok(shown.Status), body=bodies.Execute, refusal="Detail",
    ),
    Operation(
        "GET", "/api/crew/status/{execution}", "crewStatus", "existing front ends", "Tell where an execution is.",
        ok(shown.Status), refusal="Detail",
    ),
    Operation(
        "GET", "/api/crew/checkpoint/{execution}", "crewCheckpoint", "existing front ends",
        "Give the checkpoint that waits.",
        {**ok(shown.Question), 204: Answer("None waits.", {})}, refusal="Detail",
    ),
    Operation(
        "POST", "/api/crew/feedback", "crewFeedback", "existing front ends", "Answer a checkpoint.", ok(Feedback),
        body=bodies.Feedback, refusal="Detail",
    ),
    Operation(
        "GET", "/api/crew/executions", "crewExecutions", "existing front ends", "List executions, newest first.",
        ok(Listing), parameters=[CURSOR, LIMIT], refusal="Detail",
    ),
    Operation(
        "DELETE", "/api/crew/execution/{execution}", "crewEnd", "existing front ends", "End an execution.", ok(Ended),
        refusal="Detail",
    ),
    Operation(
        "POST", "/api/crew", "crewCall", "existing front ends", "Run a crew, and wait for its end.",
        ok(shown.Whole | Pong), body=bodies.Together, refusal="CallError",
    ),
]  # fmt: skip
CREW = Parameter("crew", "Which crew; the default one when absent.", TEXT_SCHEMA)
PLATFORM = [
    Operation(
        "POST", "/kickoff", "kickoff", "CrewAI's platform", "Start an execution.", ok(Kicked),
        body=bodies.Kickoff, refusal="PlatformError",
    ),
    Operation(
        "GET", "/status/{execution}", "kickoffStatus", "CrewAI's platform", "Tell where an execution is.",
        ok(
            platform_shown.Running | platform_shown.Pending | platform_shown.Completed | platform_shown.Failed
        ),
        refusal="PlatformError",
    ),
    Operation(
        "POST", "/resume", "resumeTask", "CrewAI's platform", "Approve a task's work, or have it done again.",
        ok(Resumed), body=bodies.Resume, refusal="PlatformError",
    ),
    Operation(
        "GET", "/inputs", "inputs", "CrewAI's platform", "Name what the crew needs.", ok(Inputs), parameters=[CREW],
        refusal="PlatformError",
    ),
]  # fmt: skip
