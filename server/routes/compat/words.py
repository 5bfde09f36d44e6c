"""The words of the existing contract for what is here: states, actions, phases. Pure."""

from collections.abc import Mapping

from protocol.errors import ErrorCode, Refused
from protocol.objects import Checkpoint, State

STATUS: Mapping[State, str] = {
    State.QUEUED: "pending",
    State.RUNNING: "running",
    State.WAITING: "waiting_feedback",
    State.PAUSED: "running",
    State.COMPLETED: "completed",
    State.FAILED: "error",
    State.STOPPED: "stopped",
    State.CANCELLED: "cancelled",
}
#: What each of its actions means here: the first of these that a checkpoint offers.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "continue": ("approve", "respond"),
    "stop": ("stop",),
    "revise": ("revise", "reject", "respond"),
    "skip": ("skip",),
}
#: How the names of places begin; what follows is the phase.
PLACES = ("after_", "before_", "after:", "before:")


def answers(checkpoint: Checkpoint) -> list[str]:
    """List the actions that may be taken at a checkpoint."""
    offered = {action.id for action in checkpoint.actions}
    return [word for word, meanings in ACTIONS.items() if not offered.isdisjoint(meanings)]


def meant(action: str, feedback: str | None, checkpoint: Checkpoint) -> str:
    """Translate an action for a checkpoint, or raise `Refused`: for an unknown one, and for a revision without words.

    One that the checkpoint does not offer is translated all the same: the dispatch refuses it and says what is.
    """
    meanings = ACTIONS.get(action)
    if meanings is None:
        raise Refused(ErrorCode.NOT_OFFERED, f"`action` is one of {', '.join(ACTIONS)}, not {action[:100]!r}.")
    if action == "revise" and not (feedback or "").strip():
        raise Refused(ErrorCode.NEEDS_FEEDBACK, "To revise, say in `feedback` what is to be changed.")
    offered = {offer.id for offer in checkpoint.actions}
    return next((meaning for meaning in meanings if meaning in offered), meanings[0])


def phase(checkpoint: Checkpoint) -> str:
    """Name the part of the work that a checkpoint is about."""
    for place in PLACES:
        if checkpoint.name.startswith(place) and len(checkpoint.name) > len(place):
            return checkpoint.name.removeprefix(place)
    return checkpoint.task or checkpoint.name
