"""Where an execution stops: which checkpoints apply before and after which task."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from protocol.objects import CrewCheckpoint
from server.crews.suggestion import suggestion
from server.crews.tasks import TaskRun
from server.runnable import CrewFailed

Place = Literal["before", "after"]


def known_places(tasks: Sequence[str], registered: Sequence[CrewCheckpoint]) -> Mapping[str, CrewCheckpoint]:
    """Map every name that may be asked for to its place: the registered names, then `before:TASK` and `after:TASK`."""
    plain = (_plain(task, place) for task in tasks for place in ("before", "after"))
    return {checkpoint.name: checkpoint for checkpoint in (*registered, *plain)}


def _plain(task: str, place: str) -> CrewCheckpoint:
    if place == "before":
        return CrewCheckpoint(name=f"before:{task}", title=f"Start “{task}”?", task=task, place="before")
    return CrewCheckpoint(name=f"after:{task}", title=f"Accept the output of “{task}”?", task=task, place="after")


def set_places(tasks: Sequence[TaskRun], registered: Sequence[CrewCheckpoint], asked: Iterable[str]) -> None:
    """Put the checkpoints that apply at their tasks: those required, and those asked for.

    Raises `CrewFailed` for a name that this crew does not have: a checkpoint that was asked for is never left out.
    """
    known = known_places([mine.name for mine in tasks], registered)
    wanted = set(asked) | {checkpoint.name for checkpoint in registered if checkpoint.required}
    if strange := sorted(wanted - known.keys()):
        raise CrewFailed("unknown_checkpoint", f"No checkpoint or task {strange[0]!r}{suggestion(strange[0], known)}")
    for mine in tasks:
        here = [checkpoint for name, checkpoint in known.items() if name in wanted and checkpoint.task == mine.name]
        mine.before = tuple(checkpoint for checkpoint in here if checkpoint.place == "before")
        mine.after = tuple(checkpoint for checkpoint in here if checkpoint.place == "after")


def set_places_within(tasks: Sequence[TaskRun], asked: Iterable[str]) -> None:
    """Put the checkpoints that apply at the tasks of a crew within a flow, named alone or behind its method.

    Raises `CrewFailed` for one that names the method, and no task of its crew: what was asked for is never left out.
    What names no method may name a task of another crew.
    """
    wanted = set(asked)
    placed = {f"{place}:{mine.name}" for mine in tasks for place in ("before", "after")}
    methods = {name.rpartition("/")[0] + "/" for name in placed}
    if strange := [name for name in wanted if name.startswith(tuple(methods)) and name not in placed]:
        raise CrewFailed("unknown_checkpoint", f"No checkpoint or task {strange[0]!r}{suggestion(strange[0], placed)}")
    for mine in tasks:
        names = {mine.name, mine.name.rpartition("/")[2]}
        for place in ("before", "after"):
            if any(f"{place}:{name}" in wanted for name in names):
                setattr(mine, place, (_plain(mine.name, place),))
