"""The events of AG-UI 1.0 that are sent here, as its specification spells them (docs.ag-ui.com/spec/1.0)."""

from typing import Any, Literal

from msgspec import Struct


class AgEvent(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", tag_field="type"):
    """What all share. `metadata.quarterdeck.cursor` is where in the execution's log it comes from."""

    metadata: dict[str, Any] | None = None


class RunStarted(AgEvent, frozen=True, kw_only=True, tag="RUN_STARTED"):
    """A run is the stretch of an execution up to its next checkpoint."""

    thread_id: str
    run_id: str
    protocol_version: str = ""


class RunFinished(AgEvent, frozen=True, kw_only=True, tag="RUN_FINISHED"):
    """It came to an end: of the execution, or at a checkpoint (`outcome.type` is `interrupt`)."""

    thread_id: str
    run_id: str
    outcome: dict[str, Any]
    result: Any = None


class RunError(AgEvent, frozen=True, kw_only=True, tag="RUN_ERROR"):
    """The execution failed."""

    message: str
    code: str | None = None


class StepStarted(AgEvent, frozen=True, kw_only=True, tag="STEP_STARTED"):
    """A task began."""

    step_name: str


class StepFinished(AgEvent, frozen=True, kw_only=True, tag="STEP_FINISHED"):
    """A task came to its end, or the run did."""

    step_name: str


class TextStart(AgEvent, frozen=True, kw_only=True, tag="TEXT_MESSAGE_START"):
    """A text begins."""

    message_id: str
    role: Literal["assistant"]
    name: str | None = None


class TextContent(AgEvent, frozen=True, kw_only=True, tag="TEXT_MESSAGE_CONTENT"):
    """A piece of it."""

    message_id: str
    delta: str


class TextEnd(AgEvent, frozen=True, kw_only=True, tag="TEXT_MESSAGE_END"):
    """It ends."""

    message_id: str


class ToolStart(AgEvent, frozen=True, kw_only=True, tag="TOOL_CALL_START"):
    """A tool is called."""

    tool_call_id: str
    tool_call_name: str


class ToolArguments(AgEvent, frozen=True, kw_only=True, tag="TOOL_CALL_ARGS"):
    """With these arguments, as JSON."""

    tool_call_id: str
    delta: str


class ToolEnd(AgEvent, frozen=True, kw_only=True, tag="TOOL_CALL_END"):
    """The call is complete."""

    tool_call_id: str


class ToolResult(AgEvent, frozen=True, kw_only=True, tag="TOOL_CALL_RESULT"):
    """What it gave."""

    message_id: str
    tool_call_id: str
    content: str
    role: Literal["tool"]


class StateSnapshot(AgEvent, frozen=True, kw_only=True, tag="STATE_SNAPSHOT"):
    """Where the execution is."""

    snapshot: dict[str, Any]


class MessagesSnapshot(AgEvent, frozen=True, kw_only=True, tag="MESSAGES_SNAPSHOT"):
    """The whole conversation, as it is now."""

    messages: list[dict[str, Any]]


class Custom(AgEvent, frozen=True, kw_only=True, tag="CUSTOM"):
    """What AG-UI has no word for: an event of ours, by its own name."""

    name: str
    value: Any
