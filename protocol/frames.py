"""Frames: what travels in one WebSocket message, and the codecs that read and write it."""

from datetime import UTC, datetime
from typing import Any, Literal, Union

import msgspec
from msgspec import Struct

from protocol.commands import AnyCommand
from protocol.errors import ERRORS, ErrorCode, Refused
from protocol.events import AnyEvent, Data, Event
from protocol.ids import CheckpointId, ConnectionId, ExecutionId
from protocol.objects import Actor, Checkpoint, Execution, Rights

PROTOCOL = 1
JSON_SUBPROTOCOL = "quarterdeck.v1.json"
MSGPACK_SUBPROTOCOL = "quarterdeck.v1.msgpack"
#: Larger inbound messages close the connection with 1009, in bytes.
MAX_FRAME = 65_536


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What all control frames from the server share."""


class Limits(Struct, frozen=True, kw_only=True):
    """What one connection may do: bytes per message, executions watched, commands per ten seconds."""

    frame: int
    watches: int
    commands_per_10s: int


class Welcome(Frame, frozen=True, kw_only=True, tag="welcome"):
    """The first frame on every connection. `heartbeat` is in seconds.

    `rights` are those of the `principal`, where the server asks who it is; without them everything may be done.
    `crews` are named to those only who are known by now, and have a role.
    """

    protocol: int
    connection: ConnectionId
    server_time: str
    heartbeat: int
    auth: Literal["open", "required", "done"]
    principal: Actor | None = None
    rights: Rights | None = None
    limits: Limits
    crews: list[str]


class Reply(Frame, frozen=True, kw_only=True, tag="reply"):
    """The answer to the command with this `id`."""

    re: int | str
    data: Any


class Error(Frame, frozen=True, kw_only=True, tag="error"):
    """The refusal of a command. `retry`: the same command may succeed later, after `retry_after` seconds."""

    re: int | str | None = None
    code: ErrorCode
    message: str
    retry: bool
    retry_after: float | None = None
    detail: dict[str, Any] | None = None


class Snapshot(Frame, frozen=True, kw_only=True, tag="snapshot"):
    """The whole of an execution, sent where its events can no longer be had."""

    execution: Execution
    checkpoints: list[Checkpoint]
    epoch: str
    offset: int


class Synced(Frame, frozen=True, kw_only=True, tag="synced"):
    """Everything up to here has been sent; live from here."""

    execution: ExecutionId
    epoch: str
    offset: int


class Delta(Frame, frozen=True, kw_only=True, tag="delta"):
    """A piece of streamed text. `stream` is the LLM call, `index` counts from 0 within it."""

    execution: ExecutionId
    task: str | None = None
    agent: str | None = None
    stream: str
    index: int
    text: str


class Viewer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who looks at a checkpoint, over one connection: `id` is the connection's, `person` the principal's."""

    id: str
    name: str
    state: Literal["viewing", "editing"]
    person: str | None = None


class Presence(Frame, frozen=True, kw_only=True, tag="presence"):
    """Who looks at a checkpoint now."""

    execution: ExecutionId
    checkpoint: CheckpointId
    viewers: list[Viewer]


class ServerPing(Frame, frozen=True, kw_only=True, tag="ping"):
    """A sign of life; answer with `pong`. Any frame counts as life."""

    at: str


class Bye(Frame, frozen=True, kw_only=True, tag="bye"):
    """The connection will be closed with `code`; come back after `after` seconds."""

    code: int
    reason: str
    after: float
    resume: bool


CONTROL = (Welcome, Reply, Error, Snapshot, Synced, Delta, Presence, ServerPing, Bye)
ServerFrame: Any = Union[(*CONTROL, AnyEvent)]

encode = msgspec.json.Encoder().encode
encode_msgpack = msgspec.msgpack.Encoder().encode
decode_server_frame = msgspec.json.Decoder(ServerFrame).decode
#: What the decoders raise for a message that is no JSON, or no msgpack.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_commands_msgpack: msgspec.msgpack.Decoder[AnyCommand] = msgspec.msgpack.Decoder(AnyCommand)
_events = msgspec.json.Decoder(AnyEvent)


def decode_event(frame: bytes) -> Event:
    """Read an event from its JSON frame."""
    event: Event = _events.decode(frame)
    return event


def decode_command(message: str | bytes, *, binary: bool = False) -> AnyCommand:
    """Read a command, or raise `Refused` with `bad_json`, `bad_frame` or `bad_field`.

    The refusal carries the command's `id` in `detail["re"]`, if one can be read, so that it can be answered.
    """
    try:
        return _commands_msgpack.decode(message) if binary else _commands.decode(message)  # type: ignore[arg-type]
    except msgspec.ValidationError as error:
        raise _refusal(message, binary, str(error)) from None
    except UNREADABLE as error:
        raise Refused(ErrorCode.BAD_JSON, f"The message cannot be read: {error}") from None


def _refusal(message: str | bytes, binary: bool, why: str) -> Refused:
    try:
        frame = msgspec.msgpack.decode(message) if binary else msgspec.json.decode(message)  # type: ignore[arg-type]
    except UNREADABLE as error:
        return Refused(ErrorCode.BAD_JSON, f"The message cannot be read: {error}")
    if not isinstance(frame, dict):
        return Refused(ErrorCode.BAD_FRAME, "A message must be one object with a `type`.")
    known = isinstance(frame.get("type"), str) and frame["type"] in COMMAND_TYPES
    code = ErrorCode.BAD_FIELD if known else ErrorCode.BAD_FRAME
    ident = frame.get("id")
    return Refused(
        code,
        why,
        re=ident if isinstance(ident, int | str) and not isinstance(ident, bool) else None,
    )


COMMAND_TYPES = frozenset(str(struct.__struct_config__.tag) for struct in AnyCommand.__args__)


def error_frame(refused: Refused, re: int | str | None) -> Error:
    """Make the `error` frame of a refusal."""
    detail = {name: value for name, value in refused.detail.items() if name != "re"}
    return Error(
        re=re if re is not None else refused.detail.get("re"),
        code=refused.code,
        message=refused.message,
        retry=ERRORS[refused.code].retry,
        retry_after=refused.retry_after,
        detail=detail or None,
    )


def timestamp(seconds: float) -> str:
    """Write a Unix time as ISO 8601 in UTC with milliseconds: `2026-11-23T07:48:09.120Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(time: str) -> float:
    """Read a timestamp back into Unix seconds."""
    return datetime.fromisoformat(time).timestamp()


def presence_halves(execution: ExecutionId, checkpoint: CheckpointId) -> tuple[bytes, bytes]:
    """Write a presence frame but for the viewers, which only Redis knows: they go between the halves, with commas."""
    frame = encode(Presence(execution=execution, checkpoint=checkpoint, viewers=[]))
    return frame[:-2], frame[-2:]


def event_halves(execution: ExecutionId, data: Data, *, at: str, by: Actor | None = None) -> tuple[bytes, bytes]:
    """Write an event's frame but for `epoch` and `offset`, which only the commit knows.

    The whole frame is `head + epoch + '","offset":' + offset + tail`; it reads back as that event.
    """
    head = b'{"type":"%s","execution":"%s","epoch":"' % (
        data.type.encode(),
        execution.encode(),
    )
    person = b',"by":%s' % encode(by) if by else b""
    return head, b',"at":"%s"%s,"data":%s}' % (at.encode(), person, encode(data))
