"""A checkpoint as an AG-UI interrupt, and the answer to one as a decision. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from protocol.commands import Decide
from protocol.errors import ErrorCode, Refused
from protocol.objects import Checkpoint

#: What a payload may say in our own words; the others are AG-UI's `approved` and `editedArgs`.
WORDS = ("feedback", "output", "arguments", "response", "version")

#: Actions that contradict a yes, and a no.
CONTRADICTED: Mapping[bool, Sequence[str]] = {True: ("reject", "revise", "stop"), False: ("approve", "edit")}
#: An agent is always told why its call was refused.
UNEXPLAINED = "(no reason given)"


def interrupt_of(asked: Checkpoint) -> dict[str, Any]:
    """Offer a checkpoint."""
    offered: dict[str, Any] = {
        "id": asked.id,
        "reason": f"quarterdeck:{asked.kind}",
        "message": asked.title,
        "responseSchema": response_schema(asked),
        "metadata": {
            "quarterdeck": {
                "checkpoint": asked.id, "execution": asked.execution, "name": asked.name, "kind": asked.kind,
                "version": asked.version, "digest": asked.digest, "description": asked.description,
                "draft": asked.draft, "tool": asked.tool, "actions": asked.actions,
            },
        },
    }  # fmt: skip
    if asked.deadline is not None:
        offered["expiresAt"] = asked.deadline
    if asked.kind == "tool" and asked.tool is not None and asked.tool.call is not None:
        offered |= {"reason": "tool_call", "toolCallId": f"{asked.execution}/{asked.tool.call}"}
    return offered


def response_schema(asked: Checkpoint) -> dict[str, Any]:
    """Say what a payload may be: an action and what goes with it, or AG-UI's yes and no, which a tool's call needs."""
    actions = [action.id for action in asked.actions]
    fields: dict[str, Any] = {"action": {"type": "string", "enum": actions}, "feedback": {"type": "string"}}
    if "approve" in actions:
        fields["approved"] = {"type": "boolean"}
    if "edit" in actions and asked.kind == "tool":
        arguments = (asked.tool.schema if asked.tool else None) or {"type": "object"}
        fields |= {"arguments": arguments, "editedArgs": arguments}
    elif "edit" in actions:
        fields["output"] = {"type": "string"}
    if "respond" in actions:
        fields["response"] = asked.schema or {"type": "string"}
    needed = {"required": ["approved"]} if asked.kind == "tool" and "approved" in fields else {}
    return {"type": "object", "properties": fields, **needed, "additionalProperties": False}


def decision_of(asked: Checkpoint, payload: Any, key: str) -> Decide:
    """Read a payload: `{action, …}`, `{approved, editedArgs?, feedback?}`, or nothing but the words of an answer.

    `approved: false` never approves: it sends back with feedback, refuses a tool's call, and stops where neither is
    offered. Raises `Refused` for what is no answer.
    """
    if isinstance(payload, str) and _offers(asked, "respond"):
        payload = {"action": "respond", "response": payload}
    if not isinstance(payload, Mapping):
        raise Refused(ErrorCode.BAD_FIELD, "The payload of an answer is one object.", interrupt=asked.id)
    fields = {name: payload[name] for name in WORDS if payload.get(name) is not None}
    if payload.get("editedArgs") is not None:
        fields["arguments"] = payload["editedArgs"]
    action = payload.get("action") or _meant(asked, payload, fields)
    if not isinstance(action, str):
        raise Refused(ErrorCode.BAD_FIELD, "An answer says its `action`, or whether it is `approved`.")
    approved = payload.get("approved")
    if isinstance(approved, bool) and action in CONTRADICTED[approved]:
        raise Refused(ErrorCode.BAD_FIELD, f"`approved` contradicts the action {action!r}.", interrupt=asked.id)
    if action == "reject" and asked.kind == "tool":
        fields.setdefault("feedback", UNEXPLAINED)
    fields.setdefault("version", asked.version)
    return Decide(execution=asked.execution, checkpoint=asked.id, action=action, key=key, **fields)


def _meant(asked: Checkpoint, payload: Mapping[str, Any], fields: Mapping[str, Any]) -> str | None:
    """Tell which action `approved` means."""
    if payload.get("approved") is True:
        return "edit" if {"arguments", "output"} & set(fields) else "approve"
    if payload.get("approved") is False:
        return _refusal(asked, bool(fields.get("feedback")))
    return "respond" if "response" in fields else None


def _refusal(asked: Checkpoint, noted: bool) -> str:
    wanted = ("reject", "revise") if noted else ("reject",)
    return next((action for action in wanted if _offers(asked, action)), "stop")


def _offers(asked: Checkpoint, action: str) -> bool:
    return any(one.id == action for one in asked.actions)
