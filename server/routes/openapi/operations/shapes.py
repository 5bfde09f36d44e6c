"""Answers that no handler has a struct for."""

from typing import Literal

from msgspec import Struct

from protocol.objects import Checkpoint, Crew, Execution
from server.routes.compat import shown


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
    """How much goes on in the tenant of whoever asks; nothing where that is not known."""

    status: Literal["healthy"]
    active_executions: int | None
    pending_checkpoints: int | None
