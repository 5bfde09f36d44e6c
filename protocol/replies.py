"""What commands are answered with: the `data` of a `reply`, the body of an answer over HTTP. Fields may be added."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, CheckpointState, Execution, State
from protocol.webhooks import Delivery

ItemT = TypeVar("ItemT")


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all replies share: fields that say nothing are absent."""


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


class Page(Answer, Generic[ItemT], frozen=True, kw_only=True):
    """A part of a list, newest first. `next` is the cursor of the next one."""

    items: Sequence[ItemT]
    next: str | None = None
