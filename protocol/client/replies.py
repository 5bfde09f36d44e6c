"""What commands are answered with. Fields that a newer server adds are passed over."""

from typing import Generic, TypeVar

from msgspec import Struct

from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, Execution, State

ItemT = TypeVar("ItemT")


class Started(Struct, frozen=True, kw_only=True):
    """The execution that was made. `duplicate`: an earlier command with the same key made it."""

    execution: ExecutionId
    epoch: str
    offset: int
    duplicate: bool = False


class Changed(Struct, frozen=True, kw_only=True):
    """The event that a command made, and where the execution is since."""

    offset: int
    state: State
    duplicate: bool = False


class Noted(Struct, frozen=True, kw_only=True):
    """The event of a comment."""

    offset: int
    duplicate: bool = False


class Extended(Struct, frozen=True, kw_only=True):
    """The deadline as it is now."""

    deadline: str
    offset: int


class Read(Struct, frozen=True, kw_only=True):
    """One execution with its checkpoints."""

    execution: Execution
    checkpoints: list[Checkpoint]


class Page(Struct, Generic[ItemT], frozen=True, kw_only=True):
    """A part of a list, newest first. `next` is the cursor of the next one."""

    items: list[ItemT]
    next: str | None = None
