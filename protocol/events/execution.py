"""Events of an execution as a whole."""

from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from protocol.events.base import Data, EventType
from protocol.ids import CheckpointId, ConversationId
from protocol.objects import Fault, Origin, TaskOutput, TaskPlan, Usage


class ExecutionQueued(Data, frozen=True, kw_only=True):
    """An execution was asked for and waits for a worker. `tasks`: what is known of it; `version`: the crew's."""

    type: ClassVar[EventType] = EventType.EXECUTION_QUEUED
    crew: str
    title: str
    inputs: dict[str, Any]
    checkpoints: list[str]
    conversation: ConversationId | None = None
    tasks: list[TaskPlan]
    version: str | None = None
    forked_from: Origin | None = None


class ExecutionStarted(Data, frozen=True, kw_only=True):
    """A worker began to run the crew."""

    type: ClassVar[EventType] = EventType.EXECUTION_STARTED
    worker: str
    attempt: int


class ExecutionRecovered(Data, frozen=True, kw_only=True):
    """Another worker took over from one that died or left."""

    type: ClassVar[EventType] = EventType.EXECUTION_RECOVERED
    worker: str
    attempt: int


class ExecutionParked(Data, frozen=True, kw_only=True):
    """The execution left its worker; it costs nothing until it is resumed.

    `waiting_for` names the open checkpoints that all of it waits for; without any, part of it can go on at once.
    """

    type: ClassVar[EventType] = EventType.EXECUTION_PARKED
    reason: str | None = None
    waiting_for: list[CheckpointId] = msgspec.field(default_factory=list)


class ExecutionResumed(Data, frozen=True, kw_only=True):
    """A parked or paused execution runs again."""

    type: ClassVar[EventType] = EventType.EXECUTION_RESUMED
    reason: str | None = None


class ExecutionPaused(Data, frozen=True, kw_only=True):
    """A person paused the execution."""

    type: ClassVar[EventType] = EventType.EXECUTION_PAUSED
    reason: str | None = None


class ExecutionCompleted(Data, frozen=True, kw_only=True):
    """The crew finished. `seconds` since it was queued, of which `waited` were spent waiting for people."""

    type: ClassVar[EventType] = EventType.EXECUTION_COMPLETED
    output: str
    output_json: Any | UnsetType = UNSET
    tasks: list[TaskOutput]
    usage: Usage
    seconds: float
    waited: float


class ExecutionFailed(Data, frozen=True, kw_only=True):
    """The crew failed; `task` names where, if it was in a task."""

    type: ClassVar[EventType] = EventType.EXECUTION_FAILED
    task: str | None = None
    error: Fault


class ExecutionStopped(Data, frozen=True, kw_only=True):
    """A person stopped the execution at a checkpoint; the work so far is kept."""

    type: ClassVar[EventType] = EventType.EXECUTION_STOPPED
    checkpoint: CheckpointId
    task: str | None = None


class ExecutionCancelled(Data, frozen=True, kw_only=True):
    """A person ended the execution. Its open checkpoints are withdrawn by this."""

    type: ClassVar[EventType] = EventType.EXECUTION_CANCELLED
    reason: str | None = None
