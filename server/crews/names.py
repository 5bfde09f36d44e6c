"""What tasks and agents are called: stable before, during and after an execution, and unique within a crew."""

import re
from collections.abc import Iterable, Sequence

from crewai import Agent, Crew, Task

#: Long enough to tell tasks apart, short enough to be typed.
LONGEST_SLUG = 40


def task_names(tasks: Sequence[Task]) -> list[str]:
    """Name every task: as its author did, or after its description, or `task_N` counted from 1."""
    names: list[str] = []
    for number, task in enumerate(tasks, 1):
        names.append(_unique(own_name(task) or f"task_{number}", names))
    return names


def own_name(task: Task) -> str:
    """Name a task by itself; nothing when it has neither a name nor words in its description."""
    return (task.name or "").strip()[:150] or slug(task.description)


def _unique(name: str, taken: Sequence[str]) -> str:
    candidates = [name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)


def slug(text: str) -> str:
    """Make `research_the_topic` of `Research the {topic}.`: at most forty characters, cut between words."""
    words = re.findall(r"\w+", text.lower())
    result = ""
    for word in words:
        longer = f"{result}_{word}" if result else word[:LONGEST_SLUG]
        if len(longer) > LONGEST_SLUG:
            break
        result = longer
    return result


def title(name: str) -> str:
    """Write a name for people: `write_captions` and `ContentPlan` become `Write captions` and `Content plan`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).split()
    return " ".join(words).lower().capitalize() if words else name


def role(agent: object) -> str | None:
    """Give the name under which people know an agent: its role, on one line."""
    return " ".join(str(getattr(agent, "role", None) or "").split()) or None


def agents_of(crew: Crew) -> list[Agent]:
    """List every agent that may work in the crew, once each: its own, its tasks', its manager."""
    found: Iterable[object] = (*crew.agents, *(task.agent for task in crew.tasks), crew.manager_agent)
    unique = {id(agent): agent for agent in found if isinstance(agent, Agent)}
    return list(unique.values())
