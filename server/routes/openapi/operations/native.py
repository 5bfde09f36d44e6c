"""`/api/v1`."""

from protocol.commands import Cancel, Comment, Decision, Extend, Filter, Fork, Pause, Resume, Start
from protocol.objects import Checkpoint
from protocol.replies import Ticket
from server.dispatch import Changed, Events, Extended, Noted, Read, Started
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
    TEXT_SCHEMA,
    Answer,
    Operation,
    Parameter,
    ok,
)
from server.routes.openapi.operations.shapes import Checkpoints, Crews, Executions

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
CONNECTING = [
    Operation(
        "POST", "/api/v1/ticket", "issueTicket", "connecting",
        "Get a ticket: it opens one WebSocket at `/ws?ticket=`, within 30 seconds, for whoever asked for it.",
        {201: Answer("It was made.", {JSON: Ticket})},
    ),
]  # fmt: skip
