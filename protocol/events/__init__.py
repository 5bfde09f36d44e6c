"""What has happened to an execution: one tagged union, told apart by `type`."""

from typing import Any, Union

from msgspec import defstruct

from protocol.events.base import Data, Event, EventType
from protocol.events.checkpoint import (
    CheckpointCommented,
    CheckpointDecided,
    CheckpointEscalated,
    CheckpointExpired,
    CheckpointExtended,
    CheckpointOpened,
    CheckpointVoted,
    CheckpointWithdrawn,
)
from protocol.events.execution import (
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionParked,
    ExecutionPaused,
    ExecutionQueued,
    ExecutionRecovered,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionStopped,
)
from protocol.events.work import (
    AgentCompleted,
    AgentStarted,
    JournalMissed,
    LlmCompleted,
    LlmStarted,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    ToolCompleted,
    ToolFailed,
    ToolStarted,
)

#: What each kind of event carries.
DATA: tuple[type[Data], ...] = (
    ExecutionQueued, ExecutionStarted, ExecutionRecovered, ExecutionParked, ExecutionResumed, ExecutionPaused,
    ExecutionCompleted, ExecutionFailed, ExecutionStopped, ExecutionCancelled,
    TaskStarted, TaskCompleted, TaskFailed, TaskSkipped, AgentStarted, AgentCompleted,
    ToolStarted, ToolCompleted, ToolFailed, LlmStarted, LlmCompleted,
    CheckpointOpened, CheckpointDecided, CheckpointVoted, CheckpointCommented, CheckpointExtended,
    CheckpointEscalated, CheckpointExpired, CheckpointWithdrawn, JournalMissed,
)  # fmt: skip


def envelope(data: type[Data]) -> type[Event]:
    """Make the struct of one event: the envelope, tagged with the data's type."""
    struct = defstruct(
        f"{data.__name__}Event",
        [("data", data)],
        bases=(Event,),
        namespace={"__doc__": data.__doc__},
        module=__name__,
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        tag=data.type.value,
    )
    assert issubclass(struct, Event), "defstruct keeps its bases"
    return struct


ENVELOPES: dict[EventType, type[Event]] = {data.type: envelope(data) for data in DATA}
AnyEvent: Any = Union[tuple(ENVELOPES.values())]  # noqa: UP007 - made from the table

__all__ = [
    "DATA",
    "ENVELOPES",
    "AgentCompleted",
    "AgentStarted",
    "AnyEvent",
    "CheckpointCommented",
    "CheckpointDecided",
    "CheckpointEscalated",
    "CheckpointExpired",
    "CheckpointExtended",
    "CheckpointOpened",
    "CheckpointVoted",
    "CheckpointWithdrawn",
    "Data",
    "Event",
    "EventType",
    "ExecutionCancelled",
    "ExecutionCompleted",
    "ExecutionFailed",
    "ExecutionParked",
    "ExecutionPaused",
    "ExecutionQueued",
    "ExecutionRecovered",
    "ExecutionResumed",
    "ExecutionStarted",
    "ExecutionStopped",
    "JournalMissed",
    "LlmCompleted",
    "LlmStarted",
    "TaskCompleted",
    "TaskFailed",
    "TaskSkipped",
    "TaskStarted",
    "ToolCompleted",
    "ToolFailed",
    "ToolStarted",
]
