"""A person's text in the place of what a method gave: text for text, JSON for data, and a model for a model."""

import json
from collections.abc import Mapping
from typing import Any

from crewai.crews.crew_output import CrewOutput
from pydantic import BaseModel, ValidationError

#: What stands for itself as a text, or as JSON.
PLAIN = (str, bool, int, float, list, dict)


class Misfit(ValueError):
    """Raised for a text that cannot stand for what the method gave; the message says why."""


def schema_of(value: Any) -> Mapping[str, Any] | None:
    """Give the JSON Schema of an edit: empty where any will do, None for what nobody can edit."""
    if isinstance(value, CrewOutput):
        return schema_of(value.pydantic or value.json_dict or value.raw)
    if isinstance(value, BaseModel):
        return type(value).model_json_schema()
    return {} if isinstance(value, PLAIN) else None


def edited(value: Any, text: str) -> Any:
    """Give what the text stands for, or raise `Misfit`."""
    if isinstance(value, CrewOutput):
        return _crew_output(value, text)
    if isinstance(value, BaseModel):
        return _model(type(value), text)
    return text if isinstance(value, str) else _data(text)


def _crew_output(value: CrewOutput, text: str) -> CrewOutput:
    made: dict[str, Any] = {"raw": text}
    if value.pydantic is not None:
        made["pydantic"] = _model(type(value.pydantic), text)
    elif value.json_dict is not None:
        made["json_dict"] = _data(text)
    return value.model_copy(update=made)


def _model(kind: type[BaseModel], text: str) -> BaseModel:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise Misfit("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)) from None


def _data(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Misfit(f"it must be JSON: {error}") from None
