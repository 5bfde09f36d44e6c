"""The AsyncAPI 3.0 document of the socket: `python -m protocol.asyncapi` writes `protocol/asyncapi.json`.

Made of the same structs as the JSON Schema; the examples are the golden frames of the tests, so that every language's
tests read them too. The file is committed, never edited; a test fails when it is stale.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from protocol.commands import AnyCommand
from protocol.errors import CLOSES, ERRORS
from protocol.events import ENVELOPES
from protocol.frames import CONTROL, JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, PROTOCOL, Error, Reply
from protocol.replies import ANSWERS
from protocol.schema import contract

FILE = Path(__file__).with_name("asyncapi.json")
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "frames.json"
Json = dict[str, Any]
#: Frames by their kind, as the golden file keeps them; replies by the command, errors and closes by their code.
Examples = Mapping[str, Any]

DESCRIPTION = """\
One JSON object is one text frame. Frame types with a dot are events, all others are control frames or commands.
A command with an `id` gets exactly one `reply` or `error`, which repeats the id as `re`.

The subprotocol chooses the encoding: `{json}` (also when none is offered) is JSON in text frames, `{msgpack}` the same
objects as msgpack in binary frames. Fields may be added within version 1; none is renamed or dropped."""
CHANNEL = {"$ref": "#/channels/socket"}


def document(examples: Examples) -> Json:
    """Make the document."""
    _, components = contract()
    messages = {**_commands(examples), **_replies(examples), **_control(examples), **_events(examples)}
    described = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Quarterdeck's socket",
            "version": str(PROTOCOL),
            "description": DESCRIPTION.format(json=JSON_SUBPROTOCOL, msgpack=MSGPACK_SUBPROTOCOL),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8000", "protocol": "ws", "description": "Where a fresh server is."}},
        "channels": {"socket": _channel(messages)},
        "operations": {**_asked(), **_sent()},
        "components": {"messages": messages, "schemas": dict(sorted(components.items()))},
        "x-errors": {
            code.value: {**rule._asdict(), "example": examples["errors"][code.value]} for code, rule in ERRORS.items()
        },
        "x-close-codes": {
            str(int(code)): {"name": code.slug, **rule._asdict(), "example": examples["closes"][code.slug]}
            for code, rule in CLOSES.items()
        },
    }
    placed: Json = json.loads(json.dumps(described).replace("#/$defs/", "#/components/schemas/"))
    return placed


def written(examples: Examples) -> str:
    """Write the document as JSON."""
    return json.dumps(document(examples), indent=2, ensure_ascii=False) + "\n"


def golden() -> Examples:
    """Read the golden frames."""
    examples: Examples = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return examples


def _channel(messages: Iterable[str]) -> Json:
    return {
        "address": "/ws",
        "title": "The socket",
        "description": "One connection for everything: commands go up, replies and events come down.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {
            "method": "GET",
            "query": {"type": "object", "properties": {
                "ticket": {"type": "string", "description": "A single-use ticket, in place of an `auth` frame."},
            }},
            "headers": {"type": "object", "properties": {
                "Sec-WebSocket-Protocol": {"type": "string", "enum": [JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL]},
            }},
            "bindingVersion": "0.1.0",
        }},
    }  # fmt: skip


def tag(struct: type[Struct]) -> str:
    """Give the type of a frame, as it is on the wire."""
    return str(struct.__struct_config__.tag)


def _message(struct: type[Struct], examples: Iterable[Json], **more: Any) -> Json:
    name = tag(struct)
    return {
        "name": name,
        "title": name,
        "summary": _flat(struct),
        "payload": {"$ref": f"#/components/schemas/{struct.__name__}"},
        **more,
        "examples": [{"payload": example} for example in examples if example["type"] == name],
    }


def _flat(struct: type[Struct]) -> str:
    return " ".join((struct.__doc__ or "").split())


def _identified(field: str) -> Json:
    return {"location": f"$message.payload#/{field}", "description": "Which command it is, or answers."}


def _commands(examples: Examples) -> Json:
    return {
        f"command.{tag(struct)}": _message(struct, examples["commands"], correlationId=_identified("id"))
        for struct in AnyCommand.__args__
    }


def _replies(examples: Examples) -> Json:
    """Describe the reply to each command: the frame `reply`, with the data that this command is answered with."""
    return {
        f"reply.{name}": _reply(name, answers, examples["replies"][name])
        for name, answers in ANSWERS.items()
        if answers
    }


def _reply(name: str, answers: Sequence[type[Struct]], examples: Iterable[Json]) -> Json:
    data = [{"$ref": f"#/components/schemas/{answer.__name__}"} for answer in answers]
    payload = {
        "type": "object",
        "properties": {
            "type": {"enum": [tag(Reply)]},
            "re": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "data": data[0] if len(data) == 1 else {"anyOf": data},
        },
        "required": ["type", "re", "data"],
        "additionalProperties": False,
    }
    return {
        "name": tag(Reply),
        "title": f"{tag(Reply)} to {name}",
        "summary": " Or: ".join(map(_flat, answers)),
        "correlationId": _identified("re"),
        "payload": payload,
        "examples": [{"payload": example} for example in examples],
    }


def _control(examples: Examples) -> Json:
    """Describe the control frames; `error` is the answer to any command, `reply` stands with each command."""
    return {
        f"control.{tag(struct)}": _message(
            struct, examples["control"], **({"correlationId": _identified("re")} if struct is Error else {})
        )
        for struct in CONTROL
        if struct is not Reply
    }


def _events(examples: Examples) -> Json:
    return {f"event.{event.value}": _message(struct, examples["events"]) for event, struct in ENVELOPES.items()}


def _asked() -> Json:
    """Bind each command to what answers it."""
    return {tag(struct): _operation(struct) for struct in AnyCommand.__args__}


def _operation(struct: type[Struct]) -> Json:
    name = tag(struct)
    answers = [f"reply.{name}", f"control.{tag(Error)}"] if ANSWERS[name] else []
    reply = {"reply": {"channel": CHANNEL, "messages": [_in_channel(answer) for answer in answers]}} if answers else {}
    return {
        "action": "receive",
        "channel": CHANNEL,
        "title": name,
        "summary": _flat(struct),
        "messages": [_in_channel(f"command.{name}")],
        **reply,
    }


def _sent() -> Json:
    control = [f"control.{tag(struct)}" for struct in CONTROL if struct is not Reply]
    return {
        "control": {
            "action": "send",
            "channel": CHANNEL,
            "summary": "What the server says about the connection, and about what it follows.",
            "messages": [_in_channel(name) for name in control],
        },
        "events": {
            "action": "send",
            "channel": CHANNEL,
            "summary": "What happens to the executions that the connection follows, in the order of their logs.",
            "messages": [_in_channel(f"event.{event.value}") for event in ENVELOPES],
        },
    }


def _in_channel(name: str) -> Json:
    return {"$ref": f"#/channels/socket/messages/{name}"}


if __name__ == "__main__":
    FILE.write_text(written(golden()), encoding="utf-8")
