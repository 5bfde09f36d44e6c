"""Which answers to a checkpoint are taken, and why the others are not. Silence, and what is empty, never approves."""

import json
from typing import Any

from protocol.commands import Decision
from protocol.errors import ErrorCode, Refused
from protocol.objects import Action, Checkpoint, CheckpointState
from server.checkpoint.fit import misfits

#: What an answer carries besides its action, and the actions that it goes with.
CARRIED = {"output": "edit", "arguments": "edit", "response": "respond"}


def judge(checkpoint: Checkpoint, decision: Decision) -> None:
    """Check that this decision may be taken now, or raise `Refused` with the reason."""
    if checkpoint.state is not CheckpointState.OPEN:
        raise already_decided(checkpoint)
    if decision.version is not None and decision.version != checkpoint.version:
        raise Refused(
            ErrorCode.STALE_VERSION,
            f"The draft is now version {checkpoint.version}; version {decision.version} was judged.",
            version=checkpoint.version,
        )
    if decision.digest is not None and decision.digest != checkpoint.digest:
        raise Refused(ErrorCode.STALE_DIGEST, "What would be approved is not what was shown.")
    action = _offered(checkpoint, decision)
    _carries_its_own(checkpoint, decision)
    if action.needs_feedback and not (decision.feedback or "").strip():
        raise Refused(ErrorCode.NEEDS_FEEDBACK, f"{action.label} needs a note: say it in `feedback`.")
    if decision.action == "edit":
        _edit(checkpoint, decision)
    if decision.action == "respond":
        _response(checkpoint, decision)


def _offered(checkpoint: Checkpoint, decision: Decision) -> Action:
    action = next((action for action in checkpoint.actions if action.id == decision.action), None)
    if action is None:
        offered = [action.id for action in checkpoint.actions]
        raise Refused(
            ErrorCode.NOT_OFFERED,
            f"This checkpoint offers {', '.join(offered)}, not {decision.action!r}.",
            actions=offered,
        )
    return action


def _carries_its_own(checkpoint: Checkpoint, decision: Decision) -> None:
    """Refuse a field that would go unread: whoever sent it meant something else."""
    for name, action in CARRIED.items():
        if getattr(decision, name) is not None and decision.action != action:
            raise Refused(ErrorCode.BAD_FIELD, f"`{name}` goes with `{action}`, not with {decision.action!r}.")
    unread = "output" if checkpoint.kind == "tool" else "arguments"
    if getattr(decision, unread) is not None:
        raise Refused(ErrorCode.BAD_FIELD, f"A checkpoint of kind `{checkpoint.kind}` takes no `{unread}`.")


def _edit(checkpoint: Checkpoint, decision: Decision) -> None:
    if checkpoint.kind == "tool":
        if decision.arguments is None:
            raise _invalid("An edit needs the new arguments in `arguments`.", {"arguments": "missing"})
        schema = checkpoint.tool.schema if checkpoint.tool else None
        _fits(schema, decision.arguments, "arguments")
    elif decision.output is None or (checkpoint.kind != "recovery" and not decision.output.strip()):
        raise _invalid("An edit needs the edited text in `output`.", {"output": "empty"})
    elif checkpoint.schema is not None:
        _fits(checkpoint.schema, _read(decision.output), "output")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid("The edited output must be JSON.", {"output": str(error)}) from None


def _response(checkpoint: Checkpoint, decision: Decision) -> None:
    value = decision.feedback if decision.response is None else decision.response
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Refused(ErrorCode.NEEDS_FEEDBACK, "An empty answer is no answer: give one in `response`.")
    if checkpoint.schema is not None:
        _fits(checkpoint.schema, value, "response")


def _fits(schema: dict[str, Any] | None, value: Any, where: str) -> None:
    if schema is not None and (fields := misfits(schema, value, where)):
        first = next(iter(fields.items()))
        raise _invalid(f"It does not fit what is asked for: {first[0]}: {first[1]}", fields)


def _invalid(message: str, fields: dict[str, str]) -> Refused:
    return Refused(ErrorCode.INVALID_OUTPUT, message, fields=fields)


def already_decided(checkpoint: Checkpoint) -> Refused:
    """Say who was first."""
    if not checkpoint.history:
        return Refused(ErrorCode.CONFLICT, f"This checkpoint is {checkpoint.state}.", state=checkpoint.state)
    last = checkpoint.history[-1]
    if checkpoint.state is CheckpointState.EXPIRED:
        return Refused(
            ErrorCode.ALREADY_DECIDED,
            f"The deadline passed first: {last.action}.",
            action=last.action,
            at=last.at,
            version=last.version,
        )
    who = last.by.name if last.by else "Somebody"
    return Refused(
        ErrorCode.ALREADY_DECIDED,
        f"{who} decided first: {last.action}.",
        by=last.by,
        action=last.action,
        at=last.at,
        version=last.version,
    )
