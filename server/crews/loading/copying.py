"""A copy of a crew object, so that executions share nothing but what its author made to be shared.

`Crew.copy` finds agents by their role and context by its text, drops an agent's apps and MCP servers, and refuses
agents that only a task names. Here every object is made again from the fields its author set, and linked by identity.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

from crewai import Crew, Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.llms.base_llm import BaseLLM
from pydantic import BaseModel

ModelT = TypeVar("ModelT", bound=BaseModel)
ObjectT = TypeVar("ObjectT")

#: Fields that crewai sets by itself, when a crew is put together and while it runs.
NOT_COPIED = frozenset({
    "id", "crew", "agent_executor", "tools_handler", "cache_handler", "tools_results", "knowledge", "execution_context",
    "output", "start_time", "end_time", "prompt_context", "processed_by_agents", "used_tools", "tools_errors",
    "delegations", "retry_count", "token_usage", "usage_metrics", "execution_logs", "checkpoint_inputs",
    "checkpoint_train", "checkpoint_kickoff_event_id", "checkpoint_original_description",
    "checkpoint_original_expected_output",
})  # fmt: skip


def copied(crew: Crew) -> Crew:
    """Copy a crew that has not run."""
    again = _Copies()
    changes: dict[str, Any] = {
        "agents": [again.agent(agent) for agent in crew.agents],
        "tasks": [again.task(task) for task in crew.tasks],
    }
    if crew.manager_agent is not None:
        changes["manager_agent"] = again.agent(crew.manager_agent)
    if crew._memory is not None:
        changes["memory"] = crew._memory
    return again.made(crew, changes)


class _Copies:
    """One copy of everything in a crew: the same object is copied once, and then found again."""

    def __init__(self) -> None:
        self._of: dict[int, Any] = {}

    def agent(self, agent: BaseAgent) -> BaseAgent:
        return self._once(agent, lambda: self.made(agent, {"tools": list(agent.tools or [])}))

    def task(self, task: Task) -> Task:
        return self._once(task, lambda: self.made(task, self._links(task)))

    def made(self, original: ModelT, changes: dict[str, Any]) -> ModelT:
        """Make an object again from the fields that were set on it, but for these."""
        names = original.model_fields_set - NOT_COPIED - changes.keys()
        fields = {name: self._value(vars(original)[name]) for name in names}
        return type(original)(**fields, **changes)

    def _links(self, task: Task) -> dict[str, Any]:
        links: dict[str, Any] = {}
        if task.agent is not None:
            links["agent"] = self.agent(task.agent)
        if isinstance(task.context, list):
            links["context"] = [self.task(link) for link in task.context]
        return links

    def _value(self, value: Any) -> Any:
        """Copy models, which remember their last answer, and lists; all else is shared."""
        if isinstance(value, BaseLLM):
            return self._once(value, lambda: copy(value))
        return list(value) if isinstance(value, list) else value

    def _once(self, original: ObjectT, make: Callable[[], ObjectT]) -> ObjectT:
        if id(original) not in self._of:
            self._of[id(original)] = make()
        known: ObjectT = self._of[id(original)]
        return known
