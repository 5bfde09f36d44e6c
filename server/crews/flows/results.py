"""What a flow, or a method of one, gives: as text for people, and as plain data where it has a form."""

import json
from typing import Any

from crewai.crews.crew_output import CrewOutput
from crewai.flow.human_feedback import HumanFeedbackResult
from crewai.tasks.task_output import TaskOutput
from pydantic import BaseModel

from protocol.objects import Draft


def plain(value: Any) -> Any:
    """Give a result as plain data; text stays text."""
    if isinstance(value, CrewOutput | TaskOutput):
        return plain(value.pydantic) or value.json_dict or value.raw
    if isinstance(value, HumanFeedbackResult):
        return plain(value.output)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", fallback=str)
    return value


def text(value: Any) -> str:
    """Give a result as text."""
    found = plain(value)
    if found is None or isinstance(found, str):
        return found or ""
    return json.dumps(told(found), ensure_ascii=False, indent=2)


def structure(value: Any) -> Any:
    """Give a result as plain data, or None when it is text, or nothing."""
    found = plain(value)
    return None if found is None or isinstance(found, str) else told(found)


def draft(value: Any) -> Draft:
    """Show a result for judgement: Markdown, or JSON that can be edited as such."""
    found = structure(value)
    if found is None:
        return Draft(text=text(value))
    return Draft(text=text(value), content_type="application/json", json=found)


def told(value: Any) -> Any:
    """Give what JSON has a form for; keys and values that it has none for are told in words."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", fallback=str)
    if isinstance(value, dict):
        return {str(key): told(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [told(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
