"""What events change in a stored execution, and how it is read back."""

from typing import Any

from protocol.events import (
    Data,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionQueued,
    ExecutionRecovered,
    ExecutionStarted,
    LlmCompleted,
    TaskCompleted,
    TaskSkipped,
    TaskStarted,
)
from protocol.ids import ExecutionId
from protocol.objects import Actor, Execution, Fault, Progress, State, TaskPlan, Usage
from server import projection

X = ExecutionId("x_1")
QUEUED = ExecutionQueued(
    crew="content", title="T", inputs={"a": [1, "ü"]}, checkpoints=["after_planning"],
    tasks=[TaskPlan(name="plan", agent="Planner"), TaskPlan(name="write")],
)  # fmt: skip
USAGE = Usage(prompt_tokens=3, completion_tokens=4, total_tokens=7, calls=1)


def fold(*events: Data, state: State = State.RUNNING, **fields: Any) -> Execution:
    row: dict[str, bytes] = {"state": state.value.encode(), "offset": b"9", "epoch": b"e", "since": b"10000"}
    for number, data in enumerate(events):
        changes = projection.changes(data, f"at-{number}", Actor(id="r", name="Rara"))
        for name, value in changes.fields.items():
            row[name] = value if isinstance(value, bytes) else str(value).encode()
        for name, step in changes.sums.items():
            row[name] = str(int(row.get(name, b"0")) + step).encode()
    return projection.execution(X, row | fields, now=12.5)


def test_a_queued_execution_shows_its_plan() -> None:
    shown = fold(QUEUED, state=State.QUEUED)
    assert (shown.crew, shown.inputs, shown.checkpoints) == ("content", {"a": [1, "ü"]}, ["after_planning"])
    assert [(task.name, task.agent, task.state) for task in shown.tasks] == [
        ("plan", "Planner", "pending"), ("write", None, "pending"),
    ]  # fmt: skip
    assert shown.progress == Progress(done=0, total=2)
    assert shown.owner == Actor(id="r", name="Rara")


def test_tasks_move_and_keep_when_they_began() -> None:
    done = TaskCompleted(task="plan", index=0, agent="P", output="text", usage=USAGE, seconds=1, edited=False)
    shown = fold(
        QUEUED,
        TaskStarted(task="plan", index=0, agent="P", round=1),
        TaskStarted(task="plan", index=0, agent="P", round=2),
        done,
        TaskSkipped(task="write", index=1),
    )
    plan, write = shown.tasks
    assert (plan.state, plan.round, plan.started_at, plan.ended_at) == ("completed", 2, "at-1", "at-3")
    assert (plan.output, plan.usage) == ("text", USAGE)
    assert (write.state, shown.progress) == ("skipped", Progress(done=2, total=2))


def test_a_task_that_was_not_planned_is_shown() -> None:
    shown = fold(QUEUED, TaskStarted(task="surprise", index=3, round=1))
    assert [task.name for task in shown.tasks] == ["plan", "write", "task_3", "surprise"]


def test_usage_adds_up_and_replayed_calls_are_told_apart() -> None:
    call = LlmCompleted(call="c", stream="s", model="m", usage=USAGE)
    replayed = LlmCompleted(call="d", stream="s", model="m", usage=USAGE, replayed=True)
    shown = fold(QUEUED, call, call, replayed)
    assert shown.usage == Usage(prompt_tokens=6, completion_tokens=8, total_tokens=14, calls=2, replayed=1)


def test_attempts_are_counted() -> None:
    started = ExecutionStarted(worker="w", attempt=1)
    shown = fold(QUEUED, started, ExecutionRecovered(worker="v", attempt=2))
    assert (shown.attempt, shown.started_at) == (2, "at-1")


def test_ends() -> None:
    completed = ExecutionCompleted(output="o", output_json=None, tasks=[], usage=USAGE, seconds=1, waited=0)
    shown = fold(QUEUED, completed, state=State.COMPLETED)
    assert (shown.output, shown.output_json, shown.ended_at) == ("o", None, "at-1")
    fault = Fault(code="task_failed", message="no")
    assert fold(QUEUED, ExecutionFailed(task="plan", error=fault), state=State.FAILED).error == fault


def test_waiting_counts_the_wait_that_goes_on() -> None:
    assert fold(QUEUED, state=State.WAITING, waited=b"1500").waited == 4.0
    assert fold(QUEUED, state=State.RUNNING, waited=b"1500").waited == 1.5
