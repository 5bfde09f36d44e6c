"""`start`: check what the crew needs, make the execution, hand it to a worker."""

from collections.abc import Collection, Mapping
from typing import Any

from protocol.commands import Start
from protocol.errors import ErrorCode, Refused
from protocol.events import ExecutionQueued
from protocol.ids import ExecutionId, new_execution
from protocol.objects import Crew
from protocol.replies import Started
from server import traces
from server.auth import Principal
from server.dispatch.webhooks import NONE, Endpoints
from server.dispatch.work import Work, fresh_key
from server.execution import Verdict
from server.store import Write

#: A title that nobody gave is the beginning of the first text among the inputs.
TITLE_LENGTH = 80


async def start(work: Work, command: Start, principal: Principal, endpoints: Endpoints = NONE) -> Started:
    """Make an execution and have it run; the same key makes it once. `endpoints`: webhooks beside the command's."""
    crew = await work.catalogue.crew(command.crew)
    check_inputs(crew, command.inputs)
    brought = [*work.webhooks.asked(command.webhooks), *work.webhooks.checked(endpoints)]
    hooks = work.webhooks.fields(crew.name, brought)
    event = queued(crew, command)
    execution = await _identify(work, command, principal)
    write = Write(
        data=event, by=principal.actor, key=f"start:{execution}" if command.key else fresh_key(),
        trace=traces.current(), hooks=hooks,
    )  # fmt: skip
    # first, so that no crash leaves an execution that nobody looks after
    await work.store.list_new(execution, event)
    commit = await work.store.commit(execution, write)
    if commit.verdict is Verdict.APPLIED:
        await work.queue.advance(work.store.member(execution), commit.offset)
    duplicate = commit.verdict is not Verdict.APPLIED
    return Started(
        execution=execution, epoch=commit.epoch, offset=1 if duplicate else commit.offset, duplicate=duplicate
    )


async def _identify(work: Work, command: Start, principal: Principal) -> ExecutionId:
    execution = new_execution()
    if command.key is None:
        return execution
    return await work.store.remember_start(principal.id, command.key, execution)


def queued(crew: Crew, command: Start) -> ExecutionQueued:
    """Make the first event of an execution."""
    required = [checkpoint.name for checkpoint in crew.checkpoints if checkpoint.required]
    return ExecutionQueued(
        crew=crew.name,
        title=command.title or title(command.inputs) or crew.title,
        inputs=command.inputs,
        checkpoints=list(dict.fromkeys([*required, *check_checkpoints(crew, command.checkpoints)])),
        conversation=command.conversation,
        tasks=crew.tasks,
        version=crew.version,
    )


def title(inputs: Mapping[str, Any]) -> str:
    """Make a title from the first text among the inputs."""
    text = next((value for value in inputs.values() if isinstance(value, str) and value.strip()), "")
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def check_inputs(crew: Crew, inputs: Mapping[str, Any]) -> None:
    """Refuse a start that lacks what the crew needs; an empty text is lacking too."""
    required = crew.inputs.get("required", [])
    missing = [name for name in required if inputs.get(name) in (None, "")]
    if missing:
        raise Refused(
            ErrorCode.MISSING_INPUTS, f"The crew {crew.name!r} needs {', '.join(missing)} in `inputs`.", inputs=missing
        )


def _within(name: str, methods: Collection[str]) -> bool:
    """Tell whether a name is of a place at a task in a flow's method: the tasks are known only when the method runs."""
    place, _, path = name.partition(":")
    method, slash, task = path.partition("/")
    return place in ("before", "after") and method in methods and bool(slash and task)


def check_checkpoints(crew: Crew, names: list[str]) -> list[str]:
    """Refuse a checkpoint that the crew cannot have."""
    tasks = {task.name for task in crew.tasks}
    known = {checkpoint.name for checkpoint in crew.checkpoints}
    known |= {f"{place}:{task}" for place in ("before", "after") for task in tasks}
    plain = "before:TASK and after:TASK" if crew.kind == "crew" else "before:METHOD and after:METHOD/TASK"
    for name in names:
        if name not in known and not (crew.kind == "flow" and _within(name, tasks)):
            offered = ", ".join(checkpoint.name for checkpoint in crew.checkpoints) or plain
            raise Refused(
                ErrorCode.UNKNOWN_CHECKPOINT,
                f"The crew {crew.name!r} has no checkpoint {name!r}; it has {offered}.",
                checkpoints=sorted(known),
            )
    return names
