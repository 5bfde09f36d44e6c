"""An execution's frames as the events of one AG-UI run, which ends at the next checkpoint.

What was opened is closed before the run ends, and a run that ended says nothing more.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from protocol.events import (
    CheckpointDecided,
    CheckpointExpired,
    CheckpointOpened,
    CheckpointWithdrawn,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionParked,
    ExecutionPaused,
    ExecutionRecovered,
    ExecutionResumed,
    ExecutionStopped,
    JournalMissed,
    LlmCompleted,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    ToolCompleted,
    ToolFailed,
    ToolStarted,
)
from protocol.frames import Delta, Error, Snapshot
from protocol.objects import Checkpoint, CheckpointState, Execution
from server.routes.agui import events as ag
from server.routes.agui.conversation import Conversation
from server.routes.agui.interrupts import interrupt_of

Events = Iterator[ag.AgEvent]
#: Checkpoints whose draft is what a task has written.
DRAFTS = ("task.after", "task.input")


class Translation:
    """Translate the frames of one run. `over`: it has ended. `messages`: what was said before it."""

    def __init__(self, thread: str, run: str, execution: Execution, messages: Iterable[dict[str, Any]]) -> None:
        self.thread = thread
        self.run = run
        self.over = False
        self._execution = execution.id
        self._crew = execution.crew
        self._state = str(execution.state)
        self._tasks: dict[str, str] = {task.name: task.state for task in execution.tasks}
        self._talk = Conversation(execution.id, messages)
        self._steps: list[str] = []
        self._open: dict[str, Checkpoint] = {}

    def begin(self, waiting: Sequence[Checkpoint] = ()) -> list[ag.AgEvent]:
        """Begin; `waiting` are the checkpoints that are open already. Where results are to come, say again of what."""
        self._open = {one.id: one for one in waiting}
        begun: list[ag.AgEvent] = [ag.RunStarted(thread_id=self.thread, run_id=self.run, protocol_version="1.0")]
        self._calls()  # they were told of in the run before, whether this client remembers that or not
        if self._talk.has_open_calls():
            begun.append(ag.MessagesSnapshot(messages=self._talk.messages()))
        return begun

    def take(self, frame: Any) -> list[ag.AgEvent]:
        """Translate one frame."""
        if self.over:
            return []
        if isinstance(frame, Event):
            cursor = {"quarterdeck": {"cursor": f"{frame.epoch}:{frame.offset}"}}
            return [msgspec.structs.replace(event, metadata=cursor) for event in self._event(frame)]
        if isinstance(frame, Delta):
            return list(self._talk.delta(frame))
        if isinstance(frame, Snapshot):
            return list(self._snapshot(frame))
        if isinstance(frame, Error):
            return [*self._close(), self._error(frame.message, frame.code)]
        return []

    def _event(self, event: Event) -> Events:
        match event.data:
            case TaskStarted(task=task):
                self._tasks[task], self._state = "running", "running"
                if task not in self._steps:
                    self._steps.append(task)
                    yield ag.StepStarted(step_name=task)
            case TaskCompleted() as done:
                self._tasks[done.task] = "completed"
                yield from self._talk.said(done)
                yield from self._step_over(done.task)
            case TaskFailed(task=task) | TaskSkipped(task=task):
                self._tasks[task] = "failed" if isinstance(event.data, TaskFailed) else "skipped"
                yield from self._step_over(task)
            case LlmCompleted(stream=stream):
                yield from self._talk.text_over(stream)
            case ToolStarted() as called:
                yield from self._talk.called(called.call, called.tool, called.arguments)
            case ToolCompleted() | ToolFailed() as ended:
                yield self._talk.result(ended)
            case CheckpointOpened(checkpoint=asked):
                self._open[asked.id] = asked
                if asked.kind in DRAFTS:
                    yield from self._talk.drafted(asked)
                yield from self.interrupt()
            case CheckpointDecided() | CheckpointExpired() | CheckpointWithdrawn() as closed:
                self._open.pop(closed.checkpoint, None)
                yield _custom(event)
                if self._open:
                    yield from self.interrupt()
            case ExecutionParked(waiting_for=waiting_for):
                if waiting_for and self._open:
                    yield from self.interrupt()
            case ExecutionCompleted() as done:
                yield from self._end("completed", {"type": "success"}, result=_result(done))
            case ExecutionFailed(error=error):
                self._state = "failed"
                yield from self._close()
                yield self._error(error.message, error.code)
            case ExecutionStopped():
                yield from self._end("stopped", {"type": "cancelled"}, result={"state": "stopped"})
            case ExecutionCancelled():
                yield from self._end("cancelled", {"type": "cancelled"}, result={"state": "cancelled"})
            case ExecutionRecovered() | ExecutionPaused() | ExecutionResumed() | JournalMissed():
                yield _custom(event)

    def interrupt(self, waiting: Sequence[Checkpoint] | None = None) -> Events:
        """End the run with all that waits for a person; `waiting` is what does, when that was read anew."""
        if waiting is not None:
            self._open = {one.id: one for one in waiting}
        yield from self._calls()
        offered = [interrupt_of(asked) for asked in self._open.values()]
        yield from self._end("waiting", {"type": "interrupt", "interrupts": offered})

    def _calls(self) -> list[ag.AgEvent]:
        """Tell of the calls that people are asked to approve."""
        tools = [asked.tool for asked in self._open.values() if asked.kind == "tool" and asked.tool is not None]
        calls = [(tool.call, tool.name, tool.arguments) for tool in tools if tool.call is not None]
        return [event for call in calls for event in self._talk.called(*call)]

    def ended(self, execution: Execution) -> Events:
        """End the run of an execution that had ended before."""
        if execution.error is not None:
            yield self._error(execution.error.message, execution.error.code)
        elif execution.state == "completed":
            yield from self._end("completed", {"type": "success"}, result={"output": execution.output})
        else:
            yield from self._end(str(execution.state), {"type": "cancelled"}, result={"state": execution.state})

    def give_up(self) -> Events:
        """End the run of somebody who wants no answer given: nothing is decided, the execution goes on waiting."""
        yield from self._end(self._state, {"type": "cancelled"})

    def custom(self, name: str, value: Any) -> ag.AgEvent:
        """Tell something that AG-UI has no word for."""
        return ag.Custom(name=name, value=value)

    def _end(self, state: str, outcome: dict[str, Any], *, result: Any = None) -> Events:
        self._state = state
        yield from self._close()
        yield ag.StateSnapshot(snapshot=self.state())
        yield ag.MessagesSnapshot(messages=self._talk.messages())
        yield ag.RunFinished(thread_id=self.thread, run_id=self.run, outcome=outcome, result=result)
        self.over = True

    def state(self) -> dict[str, Any]:
        """Tell where the execution is."""
        return {
            "execution": self._execution, "crew": self._crew, "state": self._state, "tasks": dict(self._tasks),
            "checkpoints": list(self._open),
        }  # fmt: skip

    def _error(self, message: str, code: str) -> ag.AgEvent:
        self.over = True
        return ag.RunError(message=message, code=str(code))

    def _step_over(self, task: str) -> Events:
        if task in self._steps:
            self._steps.remove(task)
            yield ag.StepFinished(step_name=task)

    def _close(self) -> Events:
        yield from self._talk.close()
        for task in list(reversed(self._steps)):
            yield from self._step_over(task)

    def _snapshot(self, frame: Snapshot) -> Events:
        """Go on where the log begins anew: what was open may not be any more."""
        self._open = {one.id: one for one in frame.checkpoints if one.state is CheckpointState.OPEN}
        self._tasks = {task.name: task.state for task in frame.execution.tasks}
        if frame.execution.ended_at is not None:
            yield from self._close()
            yield from self.ended(frame.execution)
        elif self._open:
            yield from self.interrupt()


def _custom(event: Event) -> ag.AgEvent:
    value = {"data": event.data, "at": event.at, **({"by": event.by} if event.by else {})}
    return ag.Custom(name=str(event.data.type), value=value)


def _result(done: ExecutionCompleted) -> dict[str, Any]:
    result: dict[str, Any] = {"output": done.output, "tasks": done.tasks, "usage": done.usage}
    if done.output_json is not msgspec.UNSET:
        result["outputJson"] = done.output_json
    return result
