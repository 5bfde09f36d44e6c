"""Where a flow stops: which checkpoints apply before and after which of its methods.

A checkpoint at a task of a crew within the flow is named `after:TASK`, or behind the method, `after:METHOD/TASK`; which
tasks there will be is known only when the crew is kicked off.
"""

from collections.abc import Iterable, Sequence

from protocol.objects import CrewCheckpoint
from server.crews.places import known_places
from server.crews.suggestion import suggestion
from server.runnable import CrewFailed


def check_places(methods: Sequence[str], offered: Sequence[CrewCheckpoint], asked: Iterable[str]) -> None:
    """Raise `CrewFailed` for a name that this flow cannot have: a checkpoint that was asked for is never left out."""
    known = known_places(methods, offered)
    for name in asked:
        if name not in known and not name.startswith(("before:", "after:")):
            raise CrewFailed("unknown_checkpoint", f"No checkpoint or method {name!r}{suggestion(name, known)}")


def places_at(
    method: str, registered: Sequence[CrewCheckpoint], asked: Iterable[str]
) -> tuple[tuple[CrewCheckpoint, ...], tuple[CrewCheckpoint, ...]]:
    """Give the checkpoints before and after a method: those that are required or asked for."""
    wanted = {*asked, *(checkpoint.name for checkpoint in registered if checkpoint.required)}
    known = known_places([method], registered).items()
    here = [checkpoint for name, checkpoint in known if name in wanted and checkpoint.task == method]
    return (
        tuple(checkpoint for checkpoint in here if checkpoint.place == "before"),
        tuple(checkpoint for checkpoint in here if checkpoint.place == "after"),
    )
