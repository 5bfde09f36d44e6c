"""Events of a checkpoint."""

from typing import Any, ClassVar

from protocol.events.base import Data, EventType
from protocol.ids import CheckpointId
from protocol.objects import Checkpoint


class CheckpointOpened(Data, frozen=True, kw_only=True):
    """A person is asked; after a revision again, with the next `version`."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_OPENED
    checkpoint: Checkpoint


class CheckpointDecided(Data, frozen=True, kw_only=True):
    """A person answered. `via` is the door it came by; `diff` is the edit, as a unified diff."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_DECIDED
    checkpoint: CheckpointId
    name: str
    version: int
    action: str
    via: str
    feedback: str | None = None
    diff: str | None = None
    response: Any = None


class CheckpointVoted(Data, frozen=True, kw_only=True):
    """One of several people needed has answered."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_VOTED
    checkpoint: CheckpointId
    version: int
    action: str
    tally: dict[str, Any]


class CheckpointCommented(Data, frozen=True, kw_only=True):
    """A person said something about the draft, without deciding."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_COMMENTED
    checkpoint: CheckpointId
    text: str


class CheckpointExtended(Data, frozen=True, kw_only=True):
    """The deadline was moved."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_EXTENDED
    checkpoint: CheckpointId
    deadline: str


class CheckpointEscalated(Data, frozen=True, kw_only=True):
    """Others are asked as well."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_ESCALATED
    checkpoint: CheckpointId
    to: list[str]


class CheckpointExpired(Data, frozen=True, kw_only=True):
    """The deadline passed; `outcome` is what the policy wrote out for that."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_EXPIRED
    checkpoint: CheckpointId
    outcome: str


class CheckpointWithdrawn(Data, frozen=True, kw_only=True):
    """The question is no longer asked."""

    type: ClassVar[EventType] = EventType.CHECKPOINT_WITHDRAWN
    checkpoint: CheckpointId
    reason: str | None = None
