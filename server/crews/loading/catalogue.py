"""A crew as the catalogue shows it."""

from collections.abc import Mapping
from typing import Any

from crewai import Crew
from crewai.llms.base_llm import BaseLLM

from protocol import objects
from server.crews.loading.inputs import NOTHING, input_schema
from server.crews.names import agents_of, role, task_names, title
from server.crews.registration import Registration

#: A class of models that answers without a language model says so with this attribute.
DEMO_MARK = "demo_model"


def describe(
    name: str,
    crew: Crew,
    registration: Registration,
    summary: str,
    defaults: Mapping[str, Any] = NOTHING,
    version: str | None = None,
) -> objects.Crew:
    """Describe a crew that loaded. `summary` stands in for a description that its author did not give.

    `defaults` are the values of inputs that nobody gives.
    """
    return objects.Crew(
        name=name,
        title=registration.title or title(name),
        description=registration.description or summary,
        kind="crew",
        inputs=input_schema(crew, defaults),
        checkpoints=list(registration.checkpoints),
        tasks=[
            objects.TaskPlan(name=task, agent=role(plan.agent), title=title(task))
            for task, plan in zip(task_names(crew.tasks), crew.tasks, strict=True)
        ],
        demo=_is_demo(crew),
        version=version,
    )


def broken(name: str, reason: str) -> objects.Crew:
    """Describe a crew that cannot run."""
    return objects.Crew(
        name=name,
        title=title(name),
        description="",
        kind="crew",
        inputs={"type": "object", "properties": {}, "required": []},
        checkpoints=[],
        tasks=[],
        broken=reason,
    )


def _is_demo(crew: Crew) -> bool:
    models = [agent.llm for agent in agents_of(crew) if isinstance(agent.llm, BaseLLM)]
    return bool(models) and all(getattr(type(model), DEMO_MARK, False) for model in models)
