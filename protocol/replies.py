"""What commands are answered with: the `data` of a `reply`, the body of an answer over HTTP. Fields may be added."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from protocol.ids import ExecutionId
from protocol.objects import Actor, Checkpoint, CheckpointState, Conversation, Crew, Execution, Rights, State
from protocol.webhooks import Delivery

ItemT = TypeVar("ItemT")


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all replies share: fields that say nothing are absent."""


class Nothing(Answer, frozen=True, kw_only=True):
    """It is done, and there is nothing to say about it."""


class Authenticated(Answer, frozen=True, kw_only=True):
    """Who the connection speaks for from now on, and until when; without `expires_at` for as long as it lasts.

    `roles`: viewer, operator, approver, admin. `rights`: which commands they allow.
    """

    principal: Actor
    tenant: str
    roles: Sequence[str]
    rights: Rights
    expires_at: str | None = None


class ServerTime(Answer, frozen=True, kw_only=True):
    """The server's clock."""

    server_time: str


class Started(Answer, frozen=True, kw_only=True):
    """The execution that a `start` made."""

    execution: ExecutionId
    epoch: str
    offset: int
    duplicate: bool = False


class Changed(Answer, frozen=True, kw_only=True):
    """The event that a command made, and where the execution is since."""

    offset: int
    state: State
    duplicate: bool = False


class Noted(Answer, frozen=True, kw_only=True):
    """The event of a comment."""

    offset: int
    duplicate: bool = False


class Extended(Answer, frozen=True, kw_only=True):
    """The deadline as it is now."""

    deadline: str
    offset: int


class Resent(Answer, frozen=True, kw_only=True):
    """The delivery that is made again."""

    delivery: Delivery


class Read(Answer, frozen=True, kw_only=True):
    """One execution with its checkpoints."""

    execution: Execution
    checkpoints: Sequence[Checkpoint]


class Seen(Answer, frozen=True, kw_only=True):
    """What a watcher is told at first: the state, and every open checkpoint."""

    state: State
    checkpoints: Sequence[Checkpoint]

    @classmethod
    def of(cls, read: Read) -> "Seen":
        """Leave of a read execution what a watcher needs."""
        still_open = [c for c in read.checkpoints if c.state is CheckpointState.OPEN]
        return cls(state=read.execution.state, checkpoints=still_open)


class Ticket(Answer, frozen=True, kw_only=True):
    """Opens one connection, by `/ws?ticket=`, until it expires."""

    ticket: str
    expires_at: str


class Watched(Answer, frozen=True, kw_only=True):
    """What is watched now. `recovered`: events come from the position on, else a snapshot does first.

    The log holds the offsets `first` to `last`.
    """

    recovered: bool
    epoch: str
    first: int
    last: int
    state: State
    checkpoints: Sequence[Checkpoint]


class Inbox(Answer, frozen=True, kw_only=True):
    """Everything that waits for a person now; what changes in it comes as events."""

    checkpoints: Sequence[Checkpoint]


class Page(Answer, Generic[ItemT], frozen=True, kw_only=True):
    """A part of a list, newest first. `next` is the cursor of the next one."""

    items: Sequence[ItemT]
    next: str | None = None


class Executions(Page[Execution], frozen=True, kw_only=True):
    """A page of executions, without what they gave; `next` is the `cursor` of the next page."""


class Checkpoints(Page[Checkpoint], frozen=True, kw_only=True):
    """A page of open checkpoints; `next` is the `cursor` of the next page."""


class Conversations(Page[Conversation], frozen=True, kw_only=True):
    """A page of conversations, the one last spoken in first; `next` is the `cursor` of the next page."""


class Crews(Page[Crew], frozen=True, kw_only=True):
    """A page of crews; `next` is the `cursor` of the next page."""


class DeliveryList(Page[Delivery], frozen=True, kw_only=True):
    """A page of what webhooks were told, or are to be, oldest first; `next` is the `cursor` of the next page."""


#: What each command is answered with, by its type. One without answers has none, not even an empty one.
ANSWERS: Mapping[str, Sequence[type[Answer]]] = {
    "auth": (Authenticated,),
    "start": (Started,),
    "watch": (Watched, Inbox),
    "unwatch": (Nothing,),
    "decide": (Changed,),
    "comment": (Noted,),
    "extend": (Extended,),
    "cancel": (Changed,),
    "pause": (Changed,),
    "resume": (Changed,),
    "fork": (Started,),
    "list": (Executions, Checkpoints, Crews, Conversations),
    "get": (Read,),
    "deliveries": (DeliveryList,),
    "resend": (Resent,),
    "say": (Started,),
    "view": (Nothing,),
    "ping": (ServerTime,),
    "pong": (),
}
