"""What crewai tells about its work, as events of the protocol.

crewai calls the sink in the thread where something happens, in order, and only for the execution at hand; what the
sink raises would reach the crew, so it raises nothing. The events of tasks are not taken from here: crewai says that a
task is complete before a person has accepted its output.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from protocol.events import (
    AgentCompleted,
    AgentStarted,
    LlmCompleted,
    LlmStarted,
    ToolCompleted,
    ToolFailed,
    ToolStarted,
)
from protocol.objects import Usage
from server.crews.faults import masked
from server.crews.names import role
from server.crews.run import TASK, Run

log = structlog.get_logger()

#: Bytes of a tool's result that are told.
RESULT_LIMIT = 8192
#: What providers call the same three numbers.
PROMPT = ("prompt_tokens", "input_tokens", "prompt_token_count")
COMPLETION = ("completion_tokens", "output_tokens", "candidates_token_count")
TOTAL = ("total_tokens", "total_token_count")


@dataclass(frozen=True, kw_only=True)
class Open:
    """A call that has begun: when, for whom, and what was called."""

    name: str
    task: str | None
    agent: str | None
    since: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return round(time.monotonic() - self.since, 3)


class Progress:
    """The sink of one execution."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._llms: dict[str, Open] = {}
        self._tools: dict[str, Open] = {}
        self._handlers: Mapping[str, Callable[[Any], None]] = {
            "agent_execution_started": self._agent_started,
            "agent_execution_completed": self._agent_completed,
            "llm_call_started": self._llm_started,
            "llm_stream_chunk": self._llm_chunk,
            "llm_call_completed": self._llm_completed,
            "llm_call_failed": self._llm_failed,
            "tool_usage_started": self._tool_started,
            "tool_usage_finished": self._tool_finished,
            "tool_usage_error": self._tool_error,
        }

    def __call__(self, source: object, event: Any) -> None:
        """Take one crewai event."""
        handler = self._handlers.get(event.type)
        if handler is None:
            return
        try:
            handler(event)
        except Exception:
            log.exception("crew event not understood", execution=self._run.journal.execution, event_type=event.type)

    def _agent_started(self, event: Any) -> None:
        self._run.emit(AgentStarted(agent=role(event.agent) or "", task=_task()))

    def _agent_completed(self, event: Any) -> None:
        self._run.emit(AgentCompleted(agent=role(event.agent) or "", task=_task()))

    def _llm_started(self, event: Any) -> None:
        call = Open(name=event.model or "", task=_task(), agent=_agent(event))
        self._llms[event.call_id] = call
        self._run.emit(
            LlmStarted(call=event.call_id, stream=event.call_id, model=call.name, task=call.task, agent=call.agent)
        )

    def _llm_chunk(self, event: Any) -> None:
        call = self._llms.get(event.call_id)
        if call is not None and event.chunk and event.tool_call is None:
            self._run.delta(event.call_id, event.chunk, call.task, call.agent)

    def _llm_completed(self, event: Any) -> None:
        self._llm_ended(event, usage_of(event.usage))

    def _llm_failed(self, event: Any) -> None:
        self._run.model_error = event.error
        self._llm_ended(event, None)

    def _llm_ended(self, event: Any, usage: Usage | None) -> None:
        call = self._llms.pop(event.call_id, None)
        if call is None:
            return
        if usage and (mine := TASK.get()):
            mine.spend(usage)
        self._run.emit(
            LlmCompleted(
                call=event.call_id,
                stream=event.call_id,
                model=call.name,
                task=call.task,
                agent=call.agent,
                usage=usage,
                seconds=call.seconds,
            )
        )

    def _tool_started(self, event: Any) -> None:
        call = Open(name=event.tool_name, task=_task(), agent=_agent(event))
        self._tools[event.event_id] = call
        if mine := TASK.get():
            mine.count_tool(call.name)
        arguments = arguments_of(event.tool_args)
        self._run.emit(
            ToolStarted(call=event.event_id, tool=call.name, arguments=arguments, task=call.task, agent=call.agent)
        )

    def _tool_finished(self, event: Any) -> None:
        """Tell the result. A tool that says itself that it failed has failed, though it did not raise."""
        self._tool_ended(event, str(event.output), failed=event.failure is not None)

    def _tool_error(self, event: Any) -> None:
        self._tool_ended(event, masked(str(event.error) or type(event.error).__name__), failed=True)

    def _tool_ended(self, event: Any, text: str, *, failed: bool) -> None:
        call = self._tools.pop(event.started_event_id, None)
        if call is None:  # crewai tells the end of a failed ReAct tool twice
            return
        result, truncated = cut(text)
        kind = ToolFailed if failed else ToolCompleted
        self._run.emit(
            kind(
                call=event.started_event_id,
                tool=call.name,
                result=result,
                truncated=truncated,
                seconds=call.seconds,
            )
        )


def _task() -> str | None:
    mine = TASK.get()
    return mine.name if mine else None


def _agent(event: Any) -> str | None:
    return " ".join((event.agent_role or "").split()) or None


def usage_of(reported: Mapping[str, Any] | None) -> Usage:
    """Read the usage of one model call, whatever the provider calls its numbers."""
    prompt, completion = _number(reported, PROMPT), _number(reported, COMPLETION)
    total = _number(reported, TOTAL) or prompt + completion
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, calls=1)


def _number(reported: Mapping[str, Any] | None, names: tuple[str, ...]) -> int:
    values = ((reported or {}).get(name) for name in names)
    return next((int(value) for value in values if isinstance(value, int | float)), 0)


def arguments_of(given: Any) -> dict[str, Any]:
    """Give a tool's arguments as an object, also where the model wrote JSON or plain text, and as plain data."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = {"input": given}
    plain = json.loads(json.dumps(given, default=str))
    return plain if isinstance(plain, dict) else {"input": plain}


def cut(text: str) -> tuple[str, bool]:
    """Cut to 8 KiB of UTF-8 between two characters; tell whether anything was cut."""
    data = text.encode("utf-8", "replace")
    if len(data) <= RESULT_LIMIT:
        return text, False
    return data[:RESULT_LIMIT].decode("utf-8", "ignore"), True
