"""A task's output as bytes in the journal, and as people see it."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec
from crewai import Task
from crewai.tasks.task_output import TaskOutput
from pydantic import BaseModel, ValidationError

from protocol.objects import Draft, Usage

JSON = "application/json"


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A draft or an accepted output as it is recorded. `messages`, the prompts that led to it, are not kept.

    `seconds` of work and `usage` are those of the task so far; `tools` counts its calls.
    """

    output: dict[str, Any]
    pydantic: Any = None
    seconds: float = 0.0
    usage: Usage = Usage()
    tools: dict[str, int] = {}
    skipped: bool = False


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a task has cost so far."""

    seconds: float
    usage: Usage
    tools: dict[str, int]


def dump(output: TaskOutput, work: Work, *, skipped: bool = False) -> bytes:
    """Write an output for the journal."""
    fields = output.model_dump(mode="json", exclude={"pydantic", "messages"}, fallback=str)
    model = output.pydantic.model_dump(mode="json", fallback=str) if output.pydantic else None
    stored = Stored(
        output=fields, pydantic=model, seconds=work.seconds, usage=work.usage, tools=work.tools, skipped=skipped
    )
    return msgspec.json.encode(stored)


def load(value: bytes | None) -> Stored | None:
    """Read what `dump` wrote."""
    return None if value is None else msgspec.json.decode(value, type=Stored)


def restore(stored: Stored, task: Task) -> TaskOutput:
    """Make the output again, equal to the first but for its messages."""
    output = TaskOutput.model_validate(stored.output)
    model = task.output_pydantic or task.response_model
    if stored.pydantic is not None and model is not None:
        output.pydantic = model.model_validate(stored.pydantic)
    return output


def empty(task: Task, agent: str) -> TaskOutput:
    """Make the output of a task that is skipped: empty, as crewai's own skipped tasks give it."""
    return TaskOutput(
        name=task.name or task.description,
        description=task.description,
        expected_output=task.expected_output,
        raw="",
        agent=agent,
    )


def structure(output: TaskOutput) -> Any:
    """Give the output as plain data, or None when the task promises text only."""
    if output.pydantic is not None:
        return output.pydantic.model_dump(mode="json", fallback=str)
    return output.json_dict


def draft(output: TaskOutput) -> Draft:
    """Show an output for judgement: Markdown, or JSON that can be edited as such."""
    value = structure(output)
    if value is None:
        return Draft(text=output.raw)
    text = output.raw if _is_json(output.raw) else json.dumps(value, ensure_ascii=False, indent=2)
    return Draft(text=text, content_type=JSON, json=value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def replace(task: Task, output: TaskOutput, text: str) -> str | None:
    """Put a person's text in the place of the crew's. Where it does not fit the task's model, say why instead."""
    model: type[BaseModel] | None = task.output_pydantic or task.output_json
    if model is not None:
        try:
            value = model.model_validate_json(text)
        except ValidationError as error:
            return "; ".join(_complaint(dict(item)) for item in error.errors(include_url=False))
        output.pydantic = value if task.output_pydantic else None
        output.json_dict = None if task.output_pydantic else value.model_dump()
    output.raw = text
    return None


def _complaint(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {error['msg']}" if where else str(error["msg"])
