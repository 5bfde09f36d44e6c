"""`RunAgentInput`: what a client of AG-UI asks for, and which of our commands that is. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from protocol.errors import ErrorCode, Refused
from protocol.frames import UNREADABLE
from protocol.objects import Crew

#: A client sends the whole conversation with each run, in bytes.
LONGEST = 4 << 20


class ResumeEntry(Struct, frozen=True, rename="camel"):
    """The answer to one interrupt."""

    interrupt_id: str
    status: Literal["resolved", "cancelled"]
    payload: Any = None


class RunAgentInput(Struct, frozen=True, rename="camel"):
    """The body of a request; what is not used here is passed over."""

    thread_id: str
    run_id: str
    messages: list[dict[str, Any]]
    resume: list[ResumeEntry] = []
    forwarded_props: Any = None


def read(body: bytes) -> RunAgentInput:
    """Read a body, or raise `Refused`."""
    try:
        found = msgspec.json.decode(body, type=RunAgentInput)
    except msgspec.ValidationError as error:
        raise Refused(ErrorCode.BAD_FIELD, f"This is no RunAgentInput: {error}") from None
    except UNREADABLE as error:
        raise Refused(ErrorCode.BAD_JSON, f"The body cannot be read: {error}") from None
    if not found.thread_id or len(found.thread_id) > 200 or not found.run_id or len(found.run_id) > 100:
        raise Refused(ErrorCode.BAD_FIELD, "`threadId` and `runId` are needed, of 200 and 100 characters at most.")
    if any(not isinstance(message.get("id"), str) for message in found.messages):
        raise Refused(ErrorCode.BAD_FIELD, "Every message needs an `id`.")
    return found


def last_words(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Give what the user said last, if nobody has spoken since."""
    last = messages[-1] if messages else {}
    return text_of(last) if last.get("role") == "user" else None


def text_of(message: Mapping[str, Any]) -> str:
    """Give a message's text; of its parts, the texts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def inputs_for(crew: Crew, asked: RunAgentInput) -> dict[str, Any]:
    """Make a crew's inputs: `forwardedProps.inputs`, and the user's last words for the text that is missing."""
    props = asked.forwarded_props if isinstance(asked.forwarded_props, dict) else {}
    given = props.get("inputs", {})
    if not isinstance(given, dict):
        raise Refused(ErrorCode.BAD_FIELD, "`forwardedProps.inputs` must be one object.")
    words, name = last_words(asked.messages), text_input(crew.inputs, given)
    return {**({name: words} if words and name else {}), **given}


def checkpoints_for(asked: RunAgentInput) -> list[str]:
    """Give the checkpoints to stop at: `forwardedProps.checkpoints`."""
    props = asked.forwarded_props if isinstance(asked.forwarded_props, dict) else {}
    found = props.get("checkpoints", [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise Refused(ErrorCode.BAD_FIELD, "`forwardedProps.checkpoints` must be a list of names.")
    return found


#: Inputs by these names are the user's words, the first that a crew has.
WORDS = ("user_input", "message", "topic", "prompt", "question", "query", "brief", "text", "input")


def text_input(schema: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """Name the input that takes the user's words: by its name, else the only text that is missing."""
    fields: dict[str, Any] = schema.get("properties", {})
    texts = [name for name, field in fields.items() if field.get("type", "string") == "string" and name not in given]
    named = [name for name in WORDS if name in texts]
    required = [name for name in texts if name in schema.get("required", ())]
    found = named or (required if len(required) == 1 else texts if len(texts) == 1 else [])
    return found[0] if found else None
