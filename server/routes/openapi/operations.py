"""Every operation over HTTP, as data: where it is, what it takes, what it gives. Pure.

A test holds this table against the routes that a web process serves, so that neither is without the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from protocol.commands import Cancel, Comment, Decision, Extend, Filter, Fork, Pause, Resume, Start
from protocol.objects import Checkpoint, Crew, Execution
from server.dispatch import Changed, Events, Extended, Noted, Read, Started
from server.routes.agui.request import RunAgentInput
from server.routes.compat import bodies, platform_shown, shown

Refusal = Literal["Problem", "Detail", "CallError", "PlatformError"]
JSON, SSE, TEXT, BYTES = "application/json", "text/event-stream", "text/plain", "application/octet-stream"


class Executions(Struct, frozen=True, kw_only=True):
    """A page of executions, without what they gave; `next` is the `cursor` of the next page."""

    items: list[Execution]
    next: str | None = None


class Checkpoints(Struct, frozen=True, kw_only=True):
    """A page of checkpoints; `next` is the `cursor` of the next page."""

    items: list[Checkpoint]
    next: str | None = None


class Crews(Struct, frozen=True, kw_only=True):
    """A page of crews; `next` is the `cursor` of the next page."""

    items: list[Crew]
    next: str | None = None


class Listing(Struct, frozen=True, kw_only=True):
    """A page of executions as `/api/crew` shows them."""

    executions: list[shown.Listed]
    next: str | None = None


class Feedback(Struct, frozen=True, kw_only=True):
    """An answer was taken."""

    status: Literal["feedback_received"]
    action: str
    execution_id: str
    checkpoint_id: str


class Ended(Struct, frozen=True, kw_only=True):
    """How an execution ended."""

    execution_id: str
    status: str


class Pong(Struct, frozen=True, kw_only=True):
    """Somebody is there."""

    status: Literal["ok"]
    message: Literal["pong"]


class Kicked(Struct, frozen=True, kw_only=True):
    """The execution that a kickoff made."""

    kickoff_id: str


class Resumed(Struct, frozen=True, kw_only=True):
    """What became of a task's work."""

    status: Literal["resumed", "retrying"]
    message: str


class Inputs(Struct, frozen=True, kw_only=True):
    """What the crew needs."""

    inputs: list[str]


class Healthy(Struct, frozen=True, kw_only=True):
    """How much goes on."""

    status: Literal["healthy"]
    active_executions: int
    pending_checkpoints: int


class Parameter(NamedTuple):
    """A parameter of a request, in its `query` unless it is a `header`."""

    name: str
    text: str
    schema: Mapping[str, Any]
    where: Literal["query", "header"] = "query"


class Answer(NamedTuple):
    """An answer: what it says, and its body by media type; a struct, a union of them, or a schema."""

    text: str
    content: Mapping[str, Any]


class Operation(NamedTuple):
    """One operation. `less`: fields of the body's struct that the path says, and the body may not."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    name: str
    tag: str
    text: str
    answers: Mapping[int, Answer]
    body: Any = None
    less: Sequence[str] = ()
    optional: bool = False
    parameters: Sequence[Parameter] = ()
    refusal: Refusal | None = "Problem"


TEXT_SCHEMA = {"type": "string"}
LIMIT = Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
CURSOR = Parameter("cursor", "The `next` of the page before.", TEXT_SCHEMA)
KEY = Parameter(
    "Idempotency-Key", "The same key gives the first answer again.",
    {**TEXT_SCHEMA, "minLength": 1, "maxLength": 200}, "header",
)  # fmt: skip
ONE = "/api/v1/executions/{execution}"
COMMAND = ("type", "id")
NAMED = (*COMMAND, "execution")
CHECKPOINT = f"{ONE}/checkpoints/{{checkpoint}}"


def ok(content: Any, text: str = "Done.") -> dict[int, Answer]:
    """Make the one answer that there is when all goes well."""
    return {200: Answer(text, {JSON: content})}


EXECUTIONS = [
    Operation(
        "POST", "/api/v1/executions", "start", "executions", "Start an execution of a crew.",
        {201: Answer("It was made.", {JSON: Started}), 200: Answer("The key made it before.", {JSON: Started})},
        body=Start, less=COMMAND, parameters=[KEY],
    ),
    Operation(
        "GET", "/api/v1/executions", "listExecutions", "executions", "List executions, newest first.", ok(Executions),
        parameters=[
            *(Parameter(name, f"Only those of this {name}.", TEXT_SCHEMA) for name in Filter.__struct_fields__),
            CURSOR, LIMIT,
        ],
    ),
    Operation("GET", ONE, "readExecution", "executions", "Read an execution and its checkpoints.", ok(Read)),
    Operation(
        "POST", f"{ONE}/cancel", "cancel", "executions", "End an execution, wherever it is.", ok(Changed),
        body=Cancel, less=NAMED, optional=True,
    ),
    Operation(
        "POST", f"{ONE}/pause", "pause", "executions", "Have it rest from its next safe point on.", ok(Changed),
        body=Pause, less=NAMED, optional=True,
    ),
    Operation(
        "POST", f"{ONE}/resume", "resume", "executions", "Have a paused execution go on.", ok(Changed),
        body=Resume, less=NAMED, optional=True,
    ),
    Operation(
        "POST", f"{ONE}/fork", "fork", "executions",
        "Start another that shares the work up to a checkpoint, and answers that one like this.",
        {201: Answer("It was made.", {JSON: Started}), 200: Answer("The key made it before.", {JSON: Started})},
        body=Fork, less=NAMED, parameters=[KEY],
    ),
    Operation(
        "GET", f"{ONE}/events", "readEvents", "executions",
        "Read a page of the log, wait for the next event, or (`Accept: text/event-stream`) follow all of them.",
        {
            200: Answer("A page; or a stream that ends with the execution.", {JSON: Events, SSE: TEXT_SCHEMA}),
            204: Answer("The stream was read to its end before.", {}),
        },
        parameters=[
            Parameter("after", "Behind this place: OFFSET, or EPOCH:OFFSET.", {**TEXT_SCHEMA, "default": "0"}),
            Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
            Parameter(
                "wait", "Seconds to wait for one.", {"type": "integer", "minimum": 0, "maximum": 60, "default": 0}
            ),
            Parameter("Last-Event-ID", "Where a stream was: EPOCH:OFFSET.", TEXT_SCHEMA, "header"),
        ],
    ),
    Operation(
        "GET", f"{ONE}/files/{{name}}", "downloadFile", "executions", "Download a file that a task wrote.",
        {200: Answer("The file.", {BYTES: {}})},
    ),
]  # fmt: skip
CHECKPOINTS = [
    Operation(
        "GET", "/api/v1/checkpoints", "listCheckpoints", "checkpoints",
        "List what waits for a person, or what was decided lately.",
        ok(Checkpoints),
        parameters=[Parameter("state", "`open` when absent.", {"enum": ["open", "decided"]}), CURSOR, LIMIT],
    ),
    Operation("GET", CHECKPOINT, "readCheckpoint", "checkpoints", "Read a checkpoint.", ok(Checkpoint)),
    Operation(
        "POST", f"{CHECKPOINT}/decision", "decide", "checkpoints", "Answer a checkpoint: one answer wins.", ok(Changed),
        body=Decision, parameters=[KEY],
    ),
    Operation(
        "POST", f"{CHECKPOINT}/comments", "comment", "checkpoints", "Say something about a checkpoint that waits.",
        {201: Answer("Everybody was told.", {JSON: Noted})}, body=Comment, less=(*NAMED, "checkpoint"),
        parameters=[KEY],
    ),
    Operation(
        "POST", f"{CHECKPOINT}/extension", "extend", "checkpoints", "Give people more time.", ok(Extended),
        body=Extend, less=(*NAMED, "checkpoint"),
    ),
    Operation(
        "GET", "/api/v1/crews", "listCrews", "crews", "List the registered crews.", ok(Crews),
        parameters=[CURSOR, LIMIT],
    ),
]  # fmt: skip
AG_UI = [
    Operation(
        "POST", "/ag-ui/{crew}", "agUiRun", "AG-UI",
        "Start, answer or attach to an execution by AG-UI 1.0, and stream its events up to the next checkpoint.",
        {200: Answer("AG-UI's events.", {SSE: TEXT_SCHEMA})}, body=RunAgentInput,
    ),
]  # fmt: skip
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
OPEN_OBJECT = {"type": "object"}
OPERATING = [
    Operation(
        "GET", "/health", "health", "operations", "Tell whether all is well, and how much goes on.",
        {**ok(Healthy), 503: Answer("It is not well.", {JSON: OPEN_OBJECT})}, refusal=None,
    ),
    Operation(
        "GET", "/healthz", "alive", "operations", "Tell that the process answers.", ok(OPEN_OBJECT), refusal=None
    ),
    Operation(
        "GET", "/readyz", "ready", "operations", "Try all that a request needs.",
        {**ok(OPEN_OBJECT), 503: Answer("Something does not work; which, it says.", {JSON: OPEN_OBJECT})}, refusal=None,
    ),
    Operation(
        "GET", "/metrics", "metrics", "operations", "Give the metrics, in Prometheus's text format.",
        {200: Answer("Done.", {TEXT: TEXT_SCHEMA})}, refusal=None,
    ),
    Operation(
        "GET", "/openapi.json", "openapi", "operations", "Give this document.", ok(OPEN_OBJECT), refusal=None
    ),
    Operation(
        "GET", "/docs", "docs", "operations", "Give this document as a page.",
        {200: Answer("Done.", {"text/html": TEXT_SCHEMA})}, refusal=None,
    ),
]  # fmt: skip
OPERATIONS: Sequence[Operation] = (*EXECUTIONS, *CHECKPOINTS, *AG_UI, *EXISTING, *PLATFORM, *OPERATING)
