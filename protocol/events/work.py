"""Events of the work inside an execution: tasks, agents, tools, language models."""

from typing import Any, ClassVar

from msgspec import UNSET, UnsetType

from protocol.events.base import Data, EventType
from protocol.objects import Usage


class TaskStarted(Data, frozen=True, kw_only=True):
    """A task began; `round` is 1, then one more for each revision."""

    type: ClassVar[EventType] = EventType.TASK_STARTED
    task: str
    index: int
    agent: str | None = None
    round: int


class TaskCompleted(Data, frozen=True, kw_only=True):
    """A task's output was accepted; `edited`: a person replaced the crew's text; `file`: the name of what it wrote."""

    type: ClassVar[EventType] = EventType.TASK_COMPLETED
    task: str
    index: int
    agent: str | None = None
    output: str
    output_json: Any | UnsetType = UNSET
    usage: Usage
    seconds: float
    edited: bool
    file: str | None = None


class TaskFailed(Data, frozen=True, kw_only=True):
    """A task failed."""

    type: ClassVar[EventType] = EventType.TASK_FAILED
    task: str
    index: int
    message: str | None = None


class TaskSkipped(Data, frozen=True, kw_only=True):
    """A task was not run, by a person's decision or by its own condition."""

    type: ClassVar[EventType] = EventType.TASK_SKIPPED
    task: str
    index: int
    message: str | None = None


class AgentStarted(Data, frozen=True, kw_only=True):
    """An agent began to work."""

    type: ClassVar[EventType] = EventType.AGENT_STARTED
    agent: str
    task: str | None = None


class AgentCompleted(Data, frozen=True, kw_only=True):
    """An agent finished."""

    type: ClassVar[EventType] = EventType.AGENT_COMPLETED
    agent: str
    task: str | None = None


class ToolStarted(Data, frozen=True, kw_only=True):
    """A tool was called."""

    type: ClassVar[EventType] = EventType.TOOL_STARTED
    call: str
    tool: str
    arguments: dict[str, Any]
    task: str | None = None
    agent: str | None = None


class ToolCompleted(Data, frozen=True, kw_only=True):
    """A tool answered. `result` is cut at 8 KiB, and `truncated` says so."""

    type: ClassVar[EventType] = EventType.TOOL_COMPLETED
    call: str
    tool: str
    result: str
    truncated: bool = False
    seconds: float


class ToolFailed(Data, frozen=True, kw_only=True):
    """A tool raised; `result` is its message."""

    type: ClassVar[EventType] = EventType.TOOL_FAILED
    call: str
    tool: str
    result: str
    truncated: bool = False
    seconds: float


class LlmStarted(Data, frozen=True, kw_only=True):
    """A language model was asked; its text comes as deltas of `stream`."""

    type: ClassVar[EventType] = EventType.LLM_STARTED
    call: str
    stream: str
    model: str
    task: str | None = None
    agent: str | None = None


class LlmCompleted(Data, frozen=True, kw_only=True):
    """A language model answered."""

    type: ClassVar[EventType] = EventType.LLM_COMPLETED
    call: str
    stream: str
    model: str
    task: str | None = None
    agent: str | None = None
    usage: Usage | None = None
    seconds: float | None = None
    replayed: bool = False


class JournalMissed(Data, frozen=True, kw_only=True):
    """A second attempt asked something the first had not; the call was made live."""

    type: ClassVar[EventType] = EventType.JOURNAL_MISSED
    step: str
    reason: str
