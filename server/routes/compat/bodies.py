"""What the bodies of the existing contracts hold. Unknown fields are let be: front ends send what they like."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from protocol.errors import ErrorCode, Refused
from server.routes.api.requests import read_object
from server.routes.compat.words import ACTIONS

#: Where msgspec says that something is wrong: "Expected `str`, got `int` - at `$.message`".
WHERE = re.compile(r"(?P<message>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
#: The parts of such a path.
PART = re.compile(r"[^.\[\]]+")


class Execute(Struct, frozen=True, kw_only=True):
    """`POST /api/crew/execute`. Inputs of the crew may also stand in `inputs`, or under their own names."""

    message: str | None = None
    user_input: str | None = None
    campaign_context: str | None = None
    language: str | None = None
    checkpoints: list[str] | None = None
    crew: str | None = None
    inputs: dict[str, Any] | None = None


class Together(Struct, frozen=True, kw_only=True):
    """`POST /api/crew`: as `Execute`, but without checkpoints; `ping` asks only whether somebody is there."""

    message: str | None = None
    user_input: str | None = None
    campaign_context: str | None = None
    language: str | None = None
    ping: bool | str | None = None
    crew: str | None = None
    inputs: dict[str, Any] | None = None


class Feedback(Struct, frozen=True, kw_only=True):
    """`POST /api/crew/feedback`. `checkpoint_id` may be the name of one that waits; `version` is what was judged."""

    execution_id: str
    checkpoint_id: str
    action: Annotated[str, Meta(extra_json_schema={"enum": list(ACTIONS)})]  # told, and refused by its own status
    feedback: str | None = None
    version: int | None = None


#: What a header may hold; a token is sent in one.
Token = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[!-~]+(?!\n)$")]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]


class Bearer(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="bearer"):
    """How a webhook knows the caller: by a token."""

    token: Token


class Basic(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="basic"):
    """How a webhook knows the caller: by a name and a password."""

    username: Annotated[str, Meta(max_length=500, pattern="^[^:]*$")]
    password: Annotated[str, Meta(max_length=500)]


class HumanInput(Struct, frozen=True, kw_only=True):
    """Who hears that a person is asked."""

    url: Url
    authentication: Bearer | Basic | None = None


class Webhooks(Struct, frozen=True, kw_only=True):
    """Who hears, in the words of CrewAI's platform, of each task, each tool call, the end, and each question.

    `meta` is passed on to them. The platform's `webhooks`, a stream of CrewAI's own events, is refused.
    """

    taskWebhookUrl: Url | None = None
    stepWebhookUrl: Url | None = None
    crewWebhookUrl: Url | None = None
    humanInputWebhook: HumanInput | None = None
    meta: dict[str, Any] | None = None
    webhooks: Any = None


class Kickoff(Webhooks, frozen=True, kw_only=True):
    """`POST /kickoff`. `crew` and `checkpoints` are ours: which crew, and where it stops for a person."""

    inputs: dict[str, Any]
    restoreFromStateId: Any = None
    crew: str | None = None
    checkpoints: list[str] = []


class Resume(Webhooks, frozen=True, kw_only=True):
    """`POST /resume`. `task_id` may be a task, or a checkpoint by its id or name."""

    execution_id: str
    task_id: str
    human_feedback: str = ""
    is_approve: bool


async def read(request: Request, struct: Any) -> tuple[dict[str, Any], Any]:
    """Read a body as it came, and checked, or raise `Refused`; its `body` lists what is wrong as FastAPI would."""
    try:
        raw = await read_object(request)
        return raw, msgspec.convert(raw, struct)
    except msgspec.ValidationError as error:
        raise wrong(str(error)) from None
    except Refused as refused:
        if refused.code not in (ErrorCode.BAD_JSON, ErrorCode.BAD_FRAME):
            raise
        raise Refused(refused.code, refused.message, body=[fault(refused.message, [], "json_invalid")]) from None


def wrong(text: str) -> Refused:
    """Refuse a body, by what msgspec says about it."""
    found = WHERE.fullmatch(text)
    assert found is not None, "every text fits"
    path: list[str | int] = [int(part) if part.isdigit() else part for part in PART.findall(found["path"] or "")]
    return Refused(ErrorCode.BAD_FIELD, text, body=[fault(found["message"], path, "value_error")])


def fault(message: str, path: list[str | int], kind: str) -> dict[str, Any]:
    """Describe what is wrong at one place of a body."""
    return {"loc": ["body", *path], "msg": message, "type": kind}
