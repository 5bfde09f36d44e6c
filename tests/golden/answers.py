"""One example of every answer: the reply to each command, each refusal, each close."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from protocol import frames, objects, replies, webhooks
from protocol.errors import ERRORS, CloseCode, ErrorCode
from tests.golden import objects as golden

#: Codes that no `bye` announces: the one who closes needs no reason, or has no time.
UNANNOUNCED = frozenset({CloseCode.NORMAL, CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART})

CREW = objects.Crew(
    name="content",
    title="Content plan",
    description="Plans a campaign.",
    kind="crew",
    inputs={"type": "object", "properties": {"user_input": {"type": "string"}}, "required": ["user_input"]},
    checkpoints=[
        objects.CrewCheckpoint(
            name="after_planning", title="Agree on the plan", task="content_plan", place="after",
            description="Nothing is written before this.", required=True, deadline=3600, on_deadline="stop",
        )
    ],
    tasks=[objects.TaskPlan(name="content_plan", agent="Planner", title="Content plan")],
    broken="No module named 'tea'",
    demo=True,
    version="4f1c",
)  # fmt: skip
TALK = objects.Conversation(
    id=golden.CONVERSATION, title="Ramadan campaign", created_at=golden.AT, updated_at=golden.LATER, executions=3,
    latest=golden.EXECUTION,
)  # fmt: skip
DELIVERY = webhooks.Delivery(
    id="9-xmfrggzdfmztwq2lk", event="checkpoint.opened", offset=9, endpoint="xmfrggzdfmztwq2lk", host="crm.example",
    format="standard", state="pending", next_at=golden.LATER,
    attempts=[webhooks.Attempt(at=golden.AT, seconds=0.21, status=503, error="no answer within 15 s")],
)  # fmt: skip
CURSOR = "1795420089120.000~x_1"
CHANGED = replies.Changed(offset=12, state=objects.State.RUNNING, duplicate=True)
STARTED = replies.Started(execution=golden.EXECUTION, epoch=golden.EPOCH, offset=1, duplicate=True)

REPLIES: dict[str, list[replies.Answer]] = {
    "auth": [
        replies.Authenticated(
            principal=golden.SOMEBODY, tenant="kopi", roles=["operator"], rights=golden.RIGHTS, expires_at=golden.LATER
        )
    ],
    "start": [STARTED],
    "watch": [
        replies.Watched(
            recovered=True, epoch=golden.EPOCH, first=1, last=9, state=objects.State.WAITING, checkpoints=[golden.OPEN]
        ),
        replies.Inbox(checkpoints=[golden.OPEN]),
    ],
    "unwatch": [replies.Nothing()],
    "decide": [CHANGED],
    "comment": [replies.Noted(offset=12, duplicate=True)],
    "extend": [replies.Extended(deadline=golden.LATER, offset=12)],
    "cancel": [CHANGED],
    "pause": [CHANGED],
    "resume": [CHANGED],
    "fork": [STARTED],
    "list": [
        replies.Executions(items=[golden.WHOLE], next=CURSOR),
        replies.Checkpoints(items=[golden.OPEN], next="50"),
        replies.Crews(items=[CREW], next="50"),
        replies.Conversations(items=[TALK], next=CURSOR),
    ],
    "get": [replies.Read(execution=golden.WHOLE, checkpoints=[golden.OPEN])],
    "deliveries": [replies.DeliveryList(items=[DELIVERY], next="50")],
    "resend": [replies.Resent(delivery=DELIVERY)],
    "say": [STARTED],
    "view": [replies.Nothing()],
    "ping": [replies.ServerTime(server_time=golden.AT)],
}  # fmt: skip

#: What refusals say beside their code: a message, and details.
SAID: dict[ErrorCode, tuple[str, dict[str, Any]]] = {
    ErrorCode.BAD_JSON: ("The message cannot be read: JSON is malformed: invalid character (byte 3)", {}),
    ErrorCode.BAD_FRAME: ("Invalid value 'dance' - at `$.type`", {}),
    ErrorCode.BAD_FIELD: ("Object missing required field `execution`", {}),
    ErrorCode.TOO_LARGE: ("The body is larger than 65536 bytes.", {}),
    ErrorCode.UNAUTHENTICATED: ("The connection must authenticate first.", {}),
    ErrorCode.FORBIDDEN: ("This principal may not do that.", {}),
    ErrorCode.NOT_FOUND: (f"There is no execution {golden.EXECUTION}.", {}),
    ErrorCode.UNKNOWN_CREW: ("No crew is registered as 'contents'; there is content.", {}),
    ErrorCode.CREW_BROKEN: ("The crew 'content' cannot be loaded.", {"reason": "No module named 'tea'"}),
    ErrorCode.MISSING_INPUTS: ("The crew 'content' needs user_input in `inputs`.", {"inputs": ["user_input"]}),
    ErrorCode.UNKNOWN_CHECKPOINT: (
        "The crew 'content' has no checkpoint 'after_lunch'; it has after_planning.",
        {"checkpoints": ["after_planning"]},
    ),
    ErrorCode.NOT_OFFERED: (
        "This checkpoint offers approve, revise, stop, not 'skip'.", {"actions": ["approve", "revise", "stop"]}
    ),
    ErrorCode.ALREADY_DECIDED: (
        "Ayu Lestari decided first: approve.",
        {"by": {"id": "u_7", "name": "Ayu Lestari"}, "action": "approve", "at": golden.AT, "version": 2},
    ),
    ErrorCode.STALE_VERSION: ("The draft is now version 2; version 1 was judged.", {"version": 2}),
    ErrorCode.STALE_DIGEST: ("What would be approved is not what was shown.", {}),
    ErrorCode.INVALID_OUTPUT: (
        "It does not fit what is asked for: output.creators: 'two' is not of type 'integer'",
        {"fields": {"output.creators": "'two' is not of type 'integer'"}},
    ),
    ErrorCode.NEEDS_FEEDBACK: ("Request changes needs a note: say it in `feedback`.", {}),
    ErrorCode.ENDED: ("The execution is completed already.", {"state": "completed"}),
    ErrorCode.CONFLICT: ("The execution is paused already.", {"state": "paused"}),
    ErrorCode.RATE_LIMITED: ("Too many commands.", {}),
    ErrorCode.OVER_QUOTA: ("This connection watches too many executions.", {"limit": 100}),
    ErrorCode.UNAVAILABLE: ("Redis cannot be reached; try again.", {}),
    ErrorCode.INTERNAL: ("The server failed; its log says why.", {}),
}  # fmt: skip


def refusal(code: ErrorCode) -> frames.Error:
    """Make the frame of a refusal."""
    message, detail = SAID[code]
    retry = ERRORS[code].retry
    return frames.Error(
        re=4, code=code, message=message, retry=retry, retry_after=1.5 if retry else None, detail=detail or None
    )


def close(code: CloseCode) -> Any:
    """Show how a connection ends: the `bye` before it, or the close alone."""
    if code in UNANNOUNCED:
        return {"code": int(code), "reason": code.slug}
    back = code >= CloseCode.AUTH_EXPIRED
    return msgspec.to_builtins(frames.Bye(code=code, reason=code.slug, after=0.75 if back else 0.0, resume=back))


def framed(answers: Iterable[replies.Answer]) -> list[Any]:
    """Put replies into frames."""
    return [msgspec.to_builtins(frames.Reply(re=4, data=msgspec.to_builtins(answer))) for answer in answers]


def laid_out() -> Mapping[str, Any]:
    """Lay all out as they are on the wire."""
    return {
        "replies": {name: framed(answers) for name, answers in REPLIES.items()},
        "errors": {code.value: msgspec.to_builtins(refusal(code)) for code in ErrorCode},
        "closes": {code.slug: close(code) for code in CloseCode},
    }
