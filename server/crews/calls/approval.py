"""Tools that a person must approve before each run. Closed on any error: what cannot be asked is not run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from protocol.objects import Action, Draft, ToolRequest
from server.crews.calls.ways import Way
from server.crews.faults import readable
from server.crews.run import TASK, Run
from server.runnable import Answer, Question, Stopped

log = structlog.get_logger()

ACTIONS = (
    Action(id="approve", label="Run it"),
    Action(id="edit", label="Run with other arguments"),
    Action(id="reject", label="Refuse", needs_feedback=True),
    Action(id="stop", label="Stop run", confirm=True),
)
REFUSED = "A person refused this call of {tool}, and says: {feedback}"
UNASKED = "This call of {tool} needs a person's approval, which could not be asked for. It was not run."


@dataclass(frozen=True)
class Granted:
    """The call may be made, with these arguments."""

    arguments: Mapping[str, Any]
    edited: bool = False


@dataclass(frozen=True)
class Denied:
    """The call may not be made; this is told to the agent as the tool's result."""

    reason: str


async def approve(
    run: Run, through: Way, step: str, tool: str, arguments: Mapping[str, Any], model: type[BaseModel] | None
) -> Granted | Denied:
    """Ask until there is an answer that fits the tool. Raises `Stopped`, or `Suspended`."""
    version, complaint, shown = 0, "", arguments
    try:
        while True:
            version += 1
            answer = await through.ask(_question(step, version, tool, shown, model, complaint))
            match answer.action:
                case "approve":
                    return Granted(shown, edited=version > 1)
                case "edit":
                    shown = answer.arguments or {}
                    if not (complaint := misfit(model, shown)):
                        return Granted(shown, edited=True)
                case _:
                    return _denied(answer, tool)
    except Exception as error:
        log.exception("approval failed", execution=run.journal.execution, tool=tool, reason=readable(error))
        return Denied(UNASKED.format(tool=tool))


def _denied(answer: Answer, tool: str) -> Denied:
    if answer.action == "stop":
        mine = TASK.get()
        raise Stopped(answer.checkpoint, mine.name if mine else None)
    return Denied(REFUSED.format(tool=tool, feedback=answer.feedback or "nothing more"))


def _question(
    step: str, version: int, tool: str, arguments: Mapping[str, Any], model: type[BaseModel] | None, complaint: str
) -> Question:
    mine = TASK.get()
    plain = json.loads(json.dumps(dict(arguments), default=str))
    return Question(
        step=f"{step}/approval",
        version=version,
        name=f"tool:{tool}",
        kind="tool",
        title=f"Run {tool}?",
        description=f"The arguments do not fit the tool: {complaint}" if complaint else "",
        draft=Draft(
            text=json.dumps(plain, ensure_ascii=False, indent=2), content_type="application/json", json=plain
        ),
        actions=ACTIONS,
        task=mine.name if mine else None,
        facts={"tool": tool},
        tool=ToolRequest(
            name=tool, arguments=plain, schema=model.model_json_schema() if model else None, call=step
        ),
    )  # fmt: skip


def misfit(model: type[BaseModel] | None, arguments: Mapping[str, Any]) -> str:
    """Say why arguments do not fit a tool; nothing when they do."""
    if model is None:
        return ""
    try:
        model.model_validate(dict(arguments))
    except ValidationError as error:
        return "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
    return ""
