"""Executions as CrewAI's platform shows them (its `enterprise-api.en.yaml`). Pure."""

from collections.abc import Sequence

from msgspec import Struct

from protocol.frames import seconds_of
from protocol.objects import Checkpoint, Execution, State, TaskState
from server.routes.compat.shown import open_ones

#: What the platform calls a state in which it waits for `/resume`.
PENDING = "pending_human_input"
#: Ends without a result; the platform knows only one word for them.
FAILURES = (State.FAILED, State.STOPPED, State.CANCELLED)


class Progress(Struct, frozen=True, kw_only=True):
    """How many tasks are done."""

    completed_tasks: int
    total_tasks: int


class Running(Struct, frozen=True, kw_only=True):
    """An execution that goes on."""

    status: str
    current_task: str | None
    progress: Progress


class Pending(Running, frozen=True, kw_only=True):
    """An execution that waits for a person: `/resume` takes the `task_id`, and `task_output` is to be judged."""

    task_id: str
    task_output: str


class TaskResult(Struct, frozen=True, kw_only=True):
    """What a task gave; `execution_time` in seconds, waiting included."""

    task_id: str
    output: str
    agent: str | None
    execution_time: float | None


class Result(Struct, frozen=True, kw_only=True):
    """What an execution gave."""

    output: str
    tasks: list[TaskResult]


class Completed(Struct, frozen=True, kw_only=True, tag_field="status", tag="completed"):
    """An execution that came to its end."""

    result: Result
    execution_time: float


class Failed(Struct, frozen=True, kw_only=True, tag_field="status", tag="error"):
    """An execution that ended otherwise: it failed, or a person ended it."""

    error: str
    execution_time: float


def status(execution: Execution, checkpoints: Sequence[Checkpoint]) -> Running | Completed | Failed:
    """Show where an execution is."""
    if execution.state is State.COMPLETED:
        result = Result(output=execution.output or "", tasks=_results(execution))
        return Completed(result=result, execution_time=_took(execution))
    if execution.state in FAILURES:
        error = execution.error.message if execution.error else f"The execution was {execution.state}."
        return Failed(error=error, execution_time=_took(execution))
    waiting = open_ones(checkpoints)
    return _pending(execution, waiting[0]) if waiting else _running(execution)


def _running(execution: Execution) -> Running:
    return Running(status="running", current_task=_current(execution), progress=_progress(execution))


def _pending(execution: Execution, checkpoint: Checkpoint) -> Pending:
    task = checkpoint.task or _current(execution)
    return Pending(
        status=PENDING,
        current_task=task,
        progress=_progress(execution),
        task_id=checkpoint.task or checkpoint.id,
        task_output=checkpoint.draft.text,
    )


def _current(execution: Execution) -> str | None:
    return next((task.name for task in execution.tasks if task.state == "running"), None)


def _progress(execution: Execution) -> Progress:
    return Progress(completed_tasks=execution.progress.done, total_tasks=execution.progress.total)


def _results(execution: Execution) -> list[TaskResult]:
    return [
        TaskResult(task_id=task.name, output=task.output, agent=task.agent, execution_time=_task_took(task))
        for task in execution.tasks
        if task.output is not None
    ]


def _task_took(task: TaskState) -> float | None:
    if task.started_at is None or task.ended_at is None:
        return None
    return round(seconds_of(task.ended_at) - seconds_of(task.started_at), 3)


def _took(execution: Execution) -> float:
    begin, end = execution.started_at or execution.created_at, execution.ended_at or execution.created_at
    return round(max(0.0, seconds_of(end) - seconds_of(begin)), 3)
