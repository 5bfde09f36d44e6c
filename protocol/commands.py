"""What a client may ask for. A command is a wish: it is answered by one `reply` or one `error`."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from protocol.ids import CheckpointId, ConversationId, ExecutionId, Position
from protocol.webhooks import MOST_WEBHOOKS, Webhook

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Key = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=60_000)]


class Command(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
):
    """What all commands share: an optional `id`, which the answer repeats as `re`."""

    id: int | str | None = None


class Auth(Command, frozen=True, kw_only=True, tag="auth"):
    """Say who you are; again, before the session ends, by a newer token of the same principal."""

    token: Annotated[str, Meta(min_length=1, max_length=16_000)]


class Start(Command, frozen=True, kw_only=True, tag="start"):
    """Start an execution of a crew; `watch` also follows it on this connection, `webhooks` hear of it as well."""

    crew: Name
    inputs: dict[str, Any] = {}
    checkpoints: Annotated[list[Name], Meta(max_length=100)] = []
    conversation: ConversationId | None = None
    title: Annotated[str, Meta(max_length=300)] | None = None
    watch: bool = True
    webhooks: Annotated[list[Webhook], Meta(max_length=MOST_WEBHOOKS)] = []
    key: Key | None = None


class Watch(Command, frozen=True, kw_only=True, tag="watch"):
    """Follow an execution from a position, or the inbox of everything that waits for a person."""

    execution: ExecutionId | None = None
    after: Position | Literal["start", "now"] = "start"
    inbox: bool = False


class Unwatch(Command, frozen=True, kw_only=True, tag="unwatch"):
    """Stop following."""

    execution: ExecutionId | None = None
    inbox: bool = False


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An answer to a checkpoint, as `decide` and its REST twin carry it."""

    action: Name
    version: int | None = None
    feedback: Text | None = None
    output: Text | None = None
    arguments: dict[str, Any] | None = None
    response: Any = None
    digest: str | None = None
    key: Key | None = None


class Decide(Command, frozen=True, kw_only=True, tag="decide"):
    """Answer a checkpoint. `version` is the draft that was judged; absent means the current one."""

    execution: ExecutionId
    checkpoint: CheckpointId
    action: Name
    version: int | None = None
    feedback: Text | None = None
    output: Text | None = None
    arguments: dict[str, Any] | None = None
    response: Any = None
    digest: str | None = None
    key: Key | None = None


class Comment(Command, frozen=True, kw_only=True, tag="comment"):
    """Say something about an open checkpoint, without deciding it."""

    execution: ExecutionId
    checkpoint: CheckpointId
    text: Annotated[str, Meta(min_length=1, max_length=10_000)]
    key: Key | None = None


class Extend(Command, frozen=True, kw_only=True, tag="extend"):
    """Move the deadline of an open checkpoint: so many seconds behind what it was, or behind now if that is later."""

    execution: ExecutionId
    checkpoint: CheckpointId
    seconds: Annotated[float, Meta(ge=1, le=31_536_000)]


class Cancel(Command, frozen=True, kw_only=True, tag="cancel"):
    """End an execution, wherever it is."""

    execution: ExecutionId
    reason: Annotated[str, Meta(max_length=2000)] | None = None


class Pause(Command, frozen=True, kw_only=True, tag="pause"):
    """Have an execution rest from its next safe point on, until it is resumed."""

    execution: ExecutionId
    reason: Annotated[str, Meta(max_length=2000)] | None = None


class Resume(Command, frozen=True, kw_only=True, tag="resume"):
    """Have a paused execution go on."""

    execution: ExecutionId
    reason: Annotated[str, Meta(max_length=2000)] | None = None


class Fork(Command, frozen=True, kw_only=True, tag="fork"):
    """Start a new execution that shares all work up to a checkpoint, and answers that checkpoint like this.

    `webhooks` hear of it; where the command has no such list, those that hear of the original by its requests do.
    """

    execution: ExecutionId
    checkpoint: CheckpointId
    action: Name
    version: int | None = None
    feedback: Text | None = None
    output: Text | None = None
    arguments: dict[str, Any] | None = None
    response: Any = None
    digest: str | None = None
    webhooks: Annotated[list[Webhook], Meta(max_length=MOST_WEBHOOKS)] | None = None
    key: Key | None = None


class Say(Command, frozen=True, kw_only=True, tag="say"):
    """Say something in a conversation: its crew, or the one named, is started with the text as its input.

    What else the crew needs is taken from the conversation's last execution. An execution that belongs to no
    conversation is one by itself, under its own id.
    """

    conversation: ConversationId
    text: Annotated[str, Meta(min_length=1, max_length=60_000)]
    crew: Name | None = None
    key: Key | None = None


class View(Command, frozen=True, kw_only=True, tag="view"):
    """Tell the others that one looks at an open checkpoint, or writes there; with `null`, that one does no longer."""

    execution: ExecutionId
    checkpoint: CheckpointId
    state: Literal["viewing", "editing"] | None


class Filter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a list is narrowed to."""

    state: str | None = None
    crew: str | None = None
    conversation: ConversationId | None = None


class List(Command, frozen=True, kw_only=True, tag="list"):
    """Read a page of a list, newest first."""

    what: Literal["executions", "checkpoints", "crews", "conversations"]
    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    filter: Filter = Filter()


class Get(Command, frozen=True, kw_only=True, tag="get"):
    """Read one execution with its checkpoints."""

    execution: ExecutionId


class Deliveries(Command, frozen=True, kw_only=True, tag="deliveries"):
    """Read a page of what webhooks were told of an execution, or are to be, oldest first."""

    execution: ExecutionId
    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Resend(Command, frozen=True, kw_only=True, tag="resend"):
    """Make a webhook's delivery again, now; its address is called even if it was disabled."""

    execution: ExecutionId
    delivery: Name


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Ask for a sign of life; the reply carries the server's time."""


class Pong(Command, frozen=True, kw_only=True, tag="pong"):
    """Answer the server's ping."""


AnyCommand = (
    Auth | Start | Watch | Unwatch | Decide | Comment | Extend | Cancel | Pause | Resume | Fork | List | Get
    | Deliveries | Resend | Ping | Pong | Say | View
)  # fmt: skip

__all__ = [
    "AnyCommand", "Auth", "Cancel", "Command", "Comment", "Decide", "Decision", "Deliveries", "Extend", "Filter",
    "Fork", "Get", "List", "Pause", "Ping", "Pong", "Resend", "Resume", "Say", "Start", "Unwatch", "View", "Watch",
]  # fmt: skip
