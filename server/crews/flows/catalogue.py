"""A flow as the catalogue shows it."""

from collections.abc import Mapping
from typing import Any

from crewai.flow.runtime import Flow
from pydantic import BaseModel

from protocol import objects
from server.crews.names import title
from server.crews.registration import Registration


def methods_of(flow: Flow[Any]) -> Mapping[str, Any]:
    """Give the methods of a flow in the order of their definition."""
    methods: Mapping[str, Any] = flow._definition.methods
    return methods


def describe_flow(name: str, flow: Flow[Any], registration: Registration, summary: str) -> objects.Crew:
    """Describe a flow that loaded: its methods are its tasks, and its requests for feedback its checkpoints."""
    return objects.Crew(
        name=name,
        title=registration.title or title(name),
        description=registration.description or summary,
        kind="flow",
        inputs=_inputs(flow),
        checkpoints=[*_feedback(flow), *registration.checkpoints],
        tasks=[objects.TaskPlan(name=method, title=title(method)) for method in methods_of(flow)],
    )


def _feedback(flow: Flow[Any]) -> list[objects.CrewCheckpoint]:
    return [
        objects.CrewCheckpoint(name=name, title=title(name), task=name, place="after", required=True)
        for name, method in methods_of(flow).items()
        if method.human_feedback is not None
    ]


def _inputs(flow: Flow[Any]) -> dict[str, Any]:
    """Describe the state that a flow starts with: by its model, or as any object. The id is the execution's."""
    state = flow._state
    if not isinstance(state, BaseModel):
        return {"type": "object", "properties": {}, "required": [], "additionalProperties": True}
    schema = type(state).model_json_schema()
    properties = {name: field for name, field in schema.get("properties", {}).items() if name != "id"}
    required = [name for name in schema.get("required", []) if name in properties]
    return {**schema, "properties": properties, "required": required}
