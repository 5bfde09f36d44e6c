"""What an event changes in the stored execution, and how the stored execution is read. Pure.

The state hash is flat, so that no event needs to read before it writes: folding a log through `changes` gives the
hash, and `execution` reads the hash as the object of the wire.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from protocol.events import (
    Data,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionParked,
    ExecutionQueued,
    ExecutionRecovered,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionStopped,
    LlmCompleted,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
)
from protocol.ids import ExecutionId
from protocol.objects import Actor, Cost, Execution, Fault, Origin, Progress, State, TaskPlan, TaskState, Usage
from server import prices

encode = msgspec.json.encode
COUNTERS = ("prompt_tokens", "completion_tokens", "total_tokens", "calls", "replayed")
DONE = frozenset({"completed", "skipped"})


class Changes(NamedTuple):
    """Fields to set and integers to add."""

    fields: Mapping[str, str | bytes | int]
    sums: Mapping[str, int]


def changes(data: Data, at: str, by: Actor | None = None) -> Changes:
    """Tell what an event changes besides the machine's own fields."""
    match data:
        case ExecutionQueued():
            return Changes(_queued(data, at, by), {})
        case ExecutionStarted():
            return Changes({"started_at": at}, {"attempt": 1})
        case ExecutionRecovered():
            return Changes({}, {"attempt": 1, "crashes": 1})
        case ExecutionResumed():
            return Changes({}, {} if by else {"attempt": 1})  # a person's wish, or the worker that takes it up
        case ExecutionParked():
            return Changes({"waiting_for": " ".join(data.waiting_for)}, {})
        case TaskStarted() | TaskCompleted() | TaskFailed() | TaskSkipped():
            settled = {"crashes": 0} if isinstance(data, TaskCompleted | TaskSkipped) else {}
            return Changes({**_task(data, at), **settled}, {})
        case LlmCompleted():
            return _spent(data)
        case ExecutionCompleted() | ExecutionFailed() | ExecutionStopped() | ExecutionCancelled():
            return Changes(_ended(data, at), {})
    return Changes({}, {})


def _queued(data: ExecutionQueued, at: str, by: Actor | None) -> dict[str, str | bytes | int]:
    fields: dict[str, str | bytes | int] = {
        "crew": data.crew,
        "title": data.title,
        "inputs": encode(data.inputs),
        "checkpoints": encode(data.checkpoints),
        "tasks": encode(data.tasks),
        "created_at": at,
    }
    if data.conversation:
        fields["conversation"] = data.conversation
    if data.version:
        fields["version"] = data.version
    if data.forked_from:
        fields["forked_from"] = encode(data.forked_from)
    if by:
        fields["by"] = encode(by)
    return fields


def _task(data: TaskStarted | TaskCompleted | TaskFailed | TaskSkipped, at: str) -> dict[str, str | bytes | int]:
    prefix = f"task:{data.index}:"
    match data:
        case TaskStarted(round=1):
            fields: dict[str, str | bytes | int] = {"state": "running", "round": 1, "started_at": at}
        case TaskStarted():
            fields = {"state": "running", "round": data.round}
        case TaskCompleted():
            fields = {"state": "completed", "output": data.output, "usage": encode(data.usage), "ended_at": at}
            if data.file:
                fields["file"] = data.file
        case TaskFailed():
            fields = {"state": "failed", "ended_at": at}
        case _:
            fields = {"state": "skipped", "ended_at": at}
    if isinstance(data, TaskStarted | TaskCompleted) and data.agent:
        fields["agent"] = data.agent
    return {prefix + name: value for name, value in {"name": data.task, **fields}.items()}


def _spent(data: LlmCompleted) -> Changes:
    """Count a call; what the journal answered cost nothing, and was counted when it was made."""
    usage = Usage() if data.replayed else data.usage or Usage()
    sums = {name: getattr(usage, name) for name in COUNTERS[:3]}
    sums["replayed" if data.replayed else "calls"] = 1
    changed = {f"usage:{name}": number for name, number in sums.items() if number}
    if not usage.cost:
        return Changes({}, changed)
    currency = usage.cost.currency  # each has its own sum: the operator may change it while executions wait
    changed |= {  # in this order: a call whose cost cannot be added is not counted as one that was
        f"cost:{currency}": prices.billionths(usage.cost.amount),
        f"cost:{currency}:calls": prices.priced(usage),
    }
    return Changes({"currency": currency}, changed)


def _ended(
    data: ExecutionCompleted | ExecutionFailed | ExecutionStopped | ExecutionCancelled, at: str
) -> dict[str, str | bytes | int]:
    fields: dict[str, str | bytes | int] = {"ended_at": at}
    if isinstance(data, ExecutionCompleted):
        fields["output"] = data.output
        if data.output_json is not msgspec.UNSET:
            fields["output_json"] = encode(data.output_json)
    if isinstance(data, ExecutionFailed):
        fields["error"] = encode(data.error)
    return fields


def execution(ident: ExecutionId, row: Mapping[str, bytes], *, now: float, outputs: bool = True) -> Execution:
    """Read the state hash as an `Execution`; `now` (Unix seconds) is for the wait that goes on."""
    text = {name: value.decode() for name, value in row.items()}
    tasks = _tasks(text, row, outputs=outputs)
    state = State(text["state"])
    return Execution(
        id=ident,
        crew=text["crew"],
        title=text["title"],
        state=state,
        inputs=msgspec.json.decode(row["inputs"]),
        checkpoints=msgspec.json.decode(row["checkpoints"]),
        conversation=text.get("conversation"),  # type: ignore[arg-type] # a NewType of str
        owner=msgspec.json.decode(row["by"], type=Actor) if "by" in row else None,
        created_at=text["created_at"],
        started_at=text.get("started_at"),
        ended_at=text.get("ended_at"),
        epoch=text["epoch"],
        offset=int(text["offset"]),
        attempt=int(text.get("attempt", "0")),
        parked=state is State.WAITING and not text.get("owner"),
        progress=Progress(done=sum(task.state in DONE for task in tasks), total=len(tasks)),
        tasks=tasks,
        usage=used(text),
        waited=waited(row, now),
        output=text.get("output") if outputs else None,
        output_json=_json(row, "output_json") if outputs else msgspec.UNSET,
        error=msgspec.json.decode(row["error"], type=Fault) if "error" in row else None,
        version=text.get("version"),
        forked_from=_origin(row),
    )


def used(text: Mapping[str, str]) -> Usage:
    """Read what an execution used, and what that cost."""
    counted = {name: int(text.get(f"usage:{name}", "0")) for name in COUNTERS}
    usage = Usage(**counted)  # type: ignore[arg-type] # the names of its numbers
    if (currency := text.get("currency")) is None:
        return usage
    unpriced = max(0, usage.calls - int(text.get(f"cost:{currency}:calls", "0")))
    amount = prices.written(int(text.get(f"cost:{currency}", "0")))
    return msgspec.structs.replace(usage, cost=Cost(amount=amount, currency=currency, unpriced=unpriced))


def waited(row: Mapping[str, bytes], now: float) -> float:
    """Give the seconds spent waiting for people, the present wait included."""
    milliseconds = int(row.get("waited", b"0"))
    if row["state"] == State.WAITING.value.encode():
        milliseconds += max(0, int(now * 1000) - int(row.get("since", b"0")))
    return milliseconds / 1000


def _json(row: Mapping[str, bytes], name: str) -> Any:
    return msgspec.json.decode(row[name]) if name in row else msgspec.UNSET


def _origin(row: Mapping[str, bytes]) -> Origin | None:
    return msgspec.json.decode(row["forked_from"], type=Origin) if "forked_from" in row else None


def _tasks(text: Mapping[str, str], row: Mapping[str, bytes], *, outputs: bool) -> list[TaskState]:
    plans = msgspec.json.decode(row["tasks"], type=list[TaskPlan])
    seen = {int(name.split(":")[1]) for name in text if name.startswith("task:")}
    count = max(len(plans), max(seen, default=-1) + 1)
    return [_task_state(index, plans[index] if index < len(plans) else None, text, outputs) for index in range(count)]


def _task_state(index: int, plan: TaskPlan | None, text: Mapping[str, str], outputs: bool) -> TaskState:
    def stored(name: str) -> str | None:
        return text.get(f"task:{index}:{name}")

    usage = stored("usage")
    return TaskState(
        name=stored("name") or (plan.name if plan else f"task_{index + 1}"),
        index=index,
        agent=stored("agent") or (plan.agent if plan else None),
        state=stored("state") or "pending",
        round=int(stored("round") or 1),
        output=stored("output") if outputs else None,
        started_at=stored("started_at"),
        ended_at=stored("ended_at"),
        usage=msgspec.json.decode(usage, type=Usage) if usage else None,
        file=stored("file"),
    )
