"""What events change in a stored execution, and how it is read back."""

from typing import Any

import msgspec
import pytest

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
from protocol.objects import Actor, Cost, Execution, Fault, Progress, State, TaskPlan, Usage
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


def asked(usage: Usage | None, *, replayed: bool = False) -> LlmCompleted:
    return LlmCompleted(call="c", stream="s", model="m", usage=usage, replayed=replayed)


def test_costs_add_up_exactly_and_replayed_calls_are_not_paid_again() -> None:
    one = msgspec.structs.replace(USAGE, cost=Cost(amount="0.1", currency="USD"))
    two = msgspec.structs.replace(USAGE, cost=Cost(amount="0.200000001", currency="USD"))
    shown = fold(QUEUED, asked(one), asked(two), asked(two, replayed=True))
    assert shown.usage.cost == Cost(amount="0.300000001", currency="USD", unpriced=0)
    assert (shown.usage.calls, shown.usage.replayed) == (2, 1)


@pytest.mark.parametrize("unpriced", [USAGE, None])
def test_a_cost_tells_of_the_calls_that_are_not_in_it(unpriced: Usage | None) -> None:
    priced = msgspec.structs.replace(USAGE, cost=Cost(amount="0", currency="USD"))
    assert fold(QUEUED, asked(unpriced)).usage.cost is msgspec.UNSET
    shown = fold(QUEUED, asked(unpriced), asked(priced), asked(unpriced))
    assert shown.usage.cost == Cost(amount="0", currency="USD", unpriced=2)


def test_where_the_currency_changes_the_later_one_counts() -> None:
    calls = [msgspec.structs.replace(USAGE, cost=Cost(amount="5", currency=code)) for code in ("USD", "IDR", "IDR")]
    shown = fold(QUEUED, *map(asked, calls))
    assert shown.usage.cost == Cost(amount="10", currency="IDR", unpriced=1)


def test_what_was_written_before_there_were_costs_is_read() -> None:
    old = b'{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"calls":1,"replayed":0}'
    usage = msgspec.json.decode(old, type=Usage)
    assert usage == USAGE
    assert msgspec.json.encode(usage) == old
    assert fold(QUEUED, asked(usage)).usage.cost is msgspec.UNSET


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
