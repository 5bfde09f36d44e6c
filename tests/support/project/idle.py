"""A crew whose model answers at once, and whose one task waits for a person: what waiting costs."""

from typing import Any

from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM

QUARTERDECK = {
    "checkpoints": [{"name": "agree", "title": "Agree", "task": "write", "place": "after", "required": True}]
}


class Instant(BaseLLM):
    """A model that needs no time."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        """Answer."""
        return "Thought: I know.\nFinal Answer: A short text."

    def supports_function_calling(self) -> bool:
        """Say no."""
        return False


def crew() -> Crew:
    """Write, and wait."""
    writer = Agent(role="Writer", goal="Write", backstory="You write.", llm=Instant(model="instant"))
    task = Task(name="write", description="write about {topic}", expected_output="A short text.", agent=writer)
    return Crew(agents=[writer], tasks=[task])
