"""A task's output as bytes in the journal, and as people see it."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec
from crewai import Task
from crewai.tasks.task_output import TaskOutput
from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUserError

from protocol.objects import Draft, Usage
from server.crews.typed import complaint

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
    edited: bool = False
    rounds: int = 1


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a task has cost so far; whether a person edited it, and in how many rounds it was made."""

    seconds: float
    usage: Usage
    tools: dict[str, int]
    edited: bool = False
    rounds: int = 1


def dump(output: TaskOutput, work: Work, *, skipped: bool = False) -> bytes:
    """Write an output for the journal."""
    fields = output.model_dump(mode="json", exclude={"pydantic", "messages"}, fallback=str)
    model = output.pydantic.model_dump(mode="json", fallback=str) if output.pydantic else None
    stored = Stored(
        output=fields, pydantic=model, seconds=work.seconds, usage=work.usage, tools=work.tools, skipped=skipped,
        edited=work.edited, rounds=work.rounds,
    )  # fmt: skip
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


def draft(task: Task, output: TaskOutput) -> Draft:
    """Show an output for judgement: Markdown, or JSON that can be edited as such."""
    return shown(task, output.pydantic or output.json_dict or output.raw, output.raw)


def shown(task: Task, value: Any, raw: str) -> Draft:
    """Show a value, of which `raw` is the text that the model wrote; JSON where it has the form that is promised."""
    if isinstance(value, str):
        value = _parsed(task, value)
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", fallback=str, by_alias=True)
    if value is None:
        return Draft(text=raw)
    text = raw if _plain(raw) == value else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return Draft(text=text, content_type=JSON, json=value)


def _parsed(task: Task, text: str) -> BaseModel | None:
    """Read a text that a converter has not seen yet."""
    model = promised(task)
    try:
        return model.model_validate_json(text) if model else None
    except ValidationError:
        return None


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def promised(task: Task) -> type[BaseModel] | None:
    """Give the model that a task's output is to have."""
    return task.output_pydantic or task.output_json


def schema(task: Task) -> dict[str, Any] | None:
    """Give the JSON Schema that an edit of a task's output must fit."""
    model = promised(task)
    try:
        return model.model_json_schema() if model else None
    except PydanticUserError:  # a model with types that JSON Schema has no word for: it is checked here all the same
        return None


def replace(task: Task, output: TaskOutput, text: str) -> str | None:
    """Put a person's text in the place of the crew's. Where it does not fit the task's model, say why instead."""
    value, wrong = read(task, text)
    if value is not None:
        output.pydantic = value if task.output_pydantic else None
        output.json_dict = None if task.output_pydantic else value.model_dump()
    if not wrong:
        output.raw = text
    return wrong


def read(task: Task, text: str) -> tuple[BaseModel | None, str | None]:
    """Read a person's text as what the task promises, and say why that cannot be; neither, where any text will do."""
    model = promised(task)
    try:
        return (model.model_validate_json(text), None) if model else (None, None)
    except ValidationError as error:
        return None, complaint(error)
