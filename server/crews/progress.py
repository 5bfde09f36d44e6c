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
from server.crews.calls import costs
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.models import CALL
from server.crews.calls.told import ANNOUNCED, Announced, arguments_of, cut
from server.crews.faults import masked
from server.crews.names import role
from server.crews.run import TASK, Run

log = structlog.get_logger()


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
        name = role(event.agent) or ""
        self._run.emit(AgentStarted(agent=name, task=_task()), once=self._run.step(f"agent.{fingerprint(name)}"))

    def _agent_completed(self, event: Any) -> None:
        name = role(event.agent) or ""
        step = self._run.step(f"agent-ended.{fingerprint(name)}")
        self._run.emit(AgentCompleted(agent=name, task=_task()), once=step)

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
        if event.call_id not in self._llms:
            return  # a model may tell its end twice; it is paid once
        call = CALL.get()
        reported = event.usage or (call.around if call else None)
        usage = costs.spent(self._run, event.model or "", _provider(), reported)
        if ended := self._llm_ended(event, usage):
            self._hold(ended, event.usage)

    def _llm_failed(self, event: Any) -> None:
        self._run.model_error = event.error
        if event.call_id in self._llms:
            costs.unpriced(self._run, event.model or "", _provider())  # nobody knows whether it was charged
        if ended := self._llm_ended(event, None):
            self._run.emit(ended)

    def _hold(self, ended: LlmCompleted, reported: Mapping[str, Any] | None) -> None:
        """Leave the end of a call to whoever records its answer, so that both are written in one step."""
        call = CALL.get()
        if call is None:
            self._run.emit(ended)
            return
        call.ended.append(ended)
        if reported:
            call.reported.append(plain(reported))

    def _llm_ended(self, event: Any, usage: Usage | None) -> LlmCompleted | None:
        call = self._llms.pop(event.call_id, None)
        if call is None:
            return None
        if mine := TASK.get():
            mine.spend(usage)
        return LlmCompleted(
            call=event.call_id,
            stream=event.call_id,
            model=call.name,
            task=call.task,
            agent=call.agent,
            usage=usage,
            seconds=call.seconds,
        )

    def _tool_started(self, event: Any) -> None:
        """Take note of who calls: a tool is told when it is run, see `calls.toolcall`."""
        ANNOUNCED.set(Announced(event.tool_name, event.tool_args, _agent(event)))

    def _tool_finished(self, event: Any) -> None:
        self._tell_not_run(str(event.output), failed=event.failure is not None)

    def _tool_error(self, event: Any) -> None:
        self._tell_not_run(masked(str(event.error) or type(event.error).__name__), failed=True)

    def _tell_not_run(self, text: str, *, failed: bool) -> None:
        """Tell a call that never came to be run: answered from crewai's cache, or not understood."""
        announced = ANNOUNCED.get()
        if announced is None or announced.run:
            return
        announced.run = True  # crewai tells the end of a failed ReAct tool twice
        step = self._run.step(f"untried.{fingerprint(announced.tool, str(announced.arguments))}")
        arguments, (result, truncated) = arguments_of(announced.arguments), cut(text)
        started = ToolStarted(call=step, tool=announced.tool, arguments=arguments, task=_task(), agent=announced.agent)
        kind = ToolFailed if failed else ToolCompleted
        ended = kind(call=step, tool=announced.tool, result=result, truncated=truncated, seconds=0.0)
        self._run.emit(started, once=f"{step}/started")
        self._run.emit(ended, once=f"{step}/ended")


def _task() -> str | None:
    mine = TASK.get()
    return mine.name if mine else None


def _provider() -> str:
    call = CALL.get()
    return costs.provider_of(call.model) if call else ""


def _agent(event: Any) -> str | None:
    return " ".join((event.agent_role or "").split()) or None


def plain(reported: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a provider reports as plain data, which can be kept whatever its numbers are."""
    text = json.dumps(dict(reported), default=str)
    result: dict[str, Any] = json.loads(text, parse_int=_kept, parse_constant=lambda _: None)
    return result


def _kept(digits: str) -> int | float:
    """Read a whole number; one of more than 64 bits is kept by its size."""
    return int(digits) if len(digits) < len(str(2**63)) else float(digits)
