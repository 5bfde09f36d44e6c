"""Executions and checkpoints as the existing contract shows them. Pure; every field is there, `null` when unknown."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET, Struct, UnsetType

from protocol.objects import Checkpoint, CheckpointState, Execution, State, Usage
from server.routes.compat.words import STATUS, answers, phase

#: So much of a draft is shown before somebody asks for all of it, in characters.
PREVIEW = 500
#: Checkpoints that somebody, or their deadline, has answered.
ANSWERED = (CheckpointState.DECIDED, CheckpointState.EXPIRED)


class TaskOutput(Struct, frozen=True, kw_only=True):
    """What one task gave."""

    task: str
    agent: str | None
    output: str


class TokenUsage(Struct, frozen=True, kw_only=True):
    """What models were asked and answered, in CrewAI's words."""

    total_tokens: int
    prompt_tokens: int
    completion_tokens: int
    successful_requests: int


class Result(Struct, frozen=True, kw_only=True):
    """What an execution gave in the end."""

    status: str
    output: str
    task_outputs: list[TaskOutput]
    token_usage: TokenUsage | UnsetType = UNSET


class Status(Struct, frozen=True, kw_only=True):
    """Where an execution is. `current_checkpoint` and `completed_checkpoints` are ids."""

    execution_id: str
    status: str
    current_checkpoint: str | None = None
    completed_checkpoints: list[str] = []
    result: Result | None = None
    error: str | None = None


class Listed(Struct, frozen=True, kw_only=True):
    """An execution in a list, without its result."""

    execution_id: str
    status: str
    current_checkpoint: str | None
    completed_checkpoints: list[str]
    error: str | None
    crew: str
    title: str
    created_at: str


class Context(Struct, frozen=True, kw_only=True):
    """What a person is to know. `actions`: those that this checkpoint takes, in the contract's words."""

    phase: str
    result_preview: str
    status: str
    draft: str
    content_type: str
    task: str | None
    agent: str | None
    kind: str
    version: int
    actions: list[str]


class Question(Struct, frozen=True, kw_only=True):
    """A checkpoint that waits for an answer."""

    execution_id: str
    checkpoint_id: str
    checkpoint_name: str
    description: str
    context: Context
    status: str
    created_at: str


class Step(Struct, frozen=True, kw_only=True):
    """A task that was worked on, and when that ended."""

    agent: str | None
    task: str
    timestamp: str | None


class Whole(Struct, frozen=True, kw_only=True):
    """The answer to a call that waited for the end."""

    status: str
    output: str
    task_outputs: list[TaskOutput]
    progress: list[Step]
    execution_id: str
    token_usage: TokenUsage | UnsetType = UNSET


def status(execution: Execution, checkpoints: Sequence[Checkpoint]) -> Status:
    """Show where an execution is."""
    return Status(
        execution_id=execution.id,
        status=STATUS[execution.state],
        current_checkpoint=current(checkpoints),
        completed_checkpoints=completed(checkpoints),
        result=result(execution) if execution.state is State.COMPLETED else None,
        error=execution.error.message if execution.error else None,
    )


def listed(execution: Execution, checkpoints: Sequence[Checkpoint]) -> Listed:
    """Show an execution in a list."""
    return Listed(
        execution_id=execution.id,
        status=STATUS[execution.state],
        current_checkpoint=current(checkpoints),
        completed_checkpoints=completed(checkpoints),
        error=execution.error.message if execution.error else None,
        crew=execution.crew,
        title=execution.title,
        created_at=execution.created_at,
    )


def open_ones(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Keep the checkpoints that wait, the oldest first."""
    return [checkpoint for checkpoint in checkpoints if checkpoint.state is CheckpointState.OPEN]


def current(checkpoints: Iterable[Checkpoint]) -> str | None:
    """Name the checkpoint that waits."""
    return next((checkpoint.id for checkpoint in open_ones(checkpoints)), None)


def completed(checkpoints: Iterable[Checkpoint]) -> list[str]:
    """Name the checkpoints that were answered."""
    return [checkpoint.id for checkpoint in checkpoints if checkpoint.state in ANSWERED]


def result(execution: Execution) -> Result:
    """Show what a completed execution gave."""
    return Result(
        status="complete",
        output=execution.output or "",
        task_outputs=outputs(execution),
        token_usage=usage(execution.usage),
    )


def outputs(execution: Execution) -> list[TaskOutput]:
    """Show what the tasks gave."""
    given = [(task, task.output) for task in execution.tasks]
    return [TaskOutput(task=task.name, agent=task.agent, output=text) for task, text in given if text is not None]


def usage(used: Usage) -> TokenUsage | UnsetType:
    """Show what the models were asked, if any was."""
    if not used.calls:
        return UNSET
    return TokenUsage(
        total_tokens=used.total_tokens,
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        successful_requests=used.calls,
    )


def question(checkpoint: Checkpoint) -> Question:
    """Show a checkpoint that waits."""
    return Question(
        execution_id=checkpoint.execution,
        checkpoint_id=checkpoint.id,
        checkpoint_name=checkpoint.name,
        description=checkpoint.description or checkpoint.title,
        context=context(checkpoint),
        status="pending",
        created_at=checkpoint.opened_at,
    )


def context(checkpoint: Checkpoint) -> Context:
    """Show what is to be judged."""
    return Context(
        phase=phase(checkpoint),
        result_preview=checkpoint.draft.text[:PREVIEW],
        status=STATUS[State.WAITING],
        draft=checkpoint.draft.text,
        content_type=checkpoint.draft.content_type,
        task=checkpoint.task,
        agent=checkpoint.agent,
        kind=checkpoint.kind,
        version=checkpoint.version,
        actions=answers(checkpoint),
    )


def whole(execution: Execution) -> Whole:
    """Show a completed execution to whoever waited for it."""
    return Whole(
        status="complete",
        output=execution.output or "",
        task_outputs=outputs(execution),
        progress=progress(execution),
        execution_id=execution.id,
        token_usage=usage(execution.usage),
    )


def progress(execution: Execution) -> list[Step]:
    """Show which agent worked on what, and when each was done."""
    worked = [task for task in execution.tasks if task.started_at or task.ended_at]
    return [Step(agent=task.agent, task=task.name, timestamp=task.ended_at or task.started_at) for task in worked]
