"""The kinds of events, the envelope that all of them travel in, and the base of what they carry."""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from protocol.ids import ExecutionId
from protocol.objects import Actor


class EventType(StrEnum):
    """Every kind of event, by its name on the wire: `subject.past_participle`."""

    EXECUTION_QUEUED = "execution.queued"
    EXECUTION_STARTED = "execution.started"
    EXECUTION_RECOVERED = "execution.recovered"
    EXECUTION_PARKED = "execution.parked"
    EXECUTION_RESUMED = "execution.resumed"
    EXECUTION_PAUSED = "execution.paused"
    EXECUTION_COMPLETED = "execution.completed"
    EXECUTION_FAILED = "execution.failed"
    EXECUTION_STOPPED = "execution.stopped"
    EXECUTION_CANCELLED = "execution.cancelled"
    TASK_STARTED = "task.started"
    TASK_COMPLETED = "task.completed"
    TASK_FAILED = "task.failed"
    TASK_SKIPPED = "task.skipped"
    AGENT_STARTED = "agent.started"
    AGENT_COMPLETED = "agent.completed"
    TOOL_STARTED = "tool.started"
    TOOL_COMPLETED = "tool.completed"
    TOOL_FAILED = "tool.failed"
    LLM_STARTED = "llm.started"
    LLM_COMPLETED = "llm.completed"
    CHECKPOINT_OPENED = "checkpoint.opened"
    CHECKPOINT_DECIDED = "checkpoint.decided"
    CHECKPOINT_VOTED = "checkpoint.voted"
    CHECKPOINT_COMMENTED = "checkpoint.commented"
    CHECKPOINT_EXTENDED = "checkpoint.extended"
    CHECKPOINT_ESCALATED = "checkpoint.escalated"
    CHECKPOINT_EXPIRED = "checkpoint.expired"
    CHECKPOINT_WITHDRAWN = "checkpoint.withdrawn"
    JOURNAL_MISSED = "journal.missed"


class Data(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an event tells. The subclass names its `type`; the envelope carries it."""

    type: ClassVar[EventType]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """A fact about an execution. `offset` counts from 1 without a hole within an `epoch`."""

    execution: ExecutionId
    epoch: str
    offset: int
    at: str
    by: Actor | None = None
    data: Data
