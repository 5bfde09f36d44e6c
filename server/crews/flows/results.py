"""What a flow, or a method of one, gives: as text for people, and as plain data where it has a form."""

import json
from typing import Any

from crewai.crews.crew_output import CrewOutput
from crewai.flow.human_feedback import HumanFeedbackResult
from crewai.tasks.task_output import TaskOutput
from pydantic import BaseModel


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
    return json.dumps(found, ensure_ascii=False, indent=2, default=str)


def structure(value: Any) -> Any:
    """Give a result as plain data, or None when it is text, or nothing."""
    found = plain(value)
    return None if found is None or isinstance(found, str) else json.loads(json.dumps(found, default=str))
