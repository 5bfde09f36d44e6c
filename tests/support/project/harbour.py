"""A crew with tools that leave their mark in a file, tasks side by side, and three checkpoints."""

import os
import random
import time
from pathlib import Path

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

QUARTERDECK = {
    "approve": ["deliver"],
    "checkpoints": [
        {"name": "agree", "task": "write", "place": "after", "required": True},
        {"name": "release", "task": "hand_over", "place": "before", "required": True},
    ],
}


def leave_mark(text: str) -> None:
    """Append a line, between two moments; small appends are whole, whoever dies."""
    time.sleep(random.uniform(0, 0.3))
    with Path(os.environ["TEST_MARKS"]).open("ab", buffering=0) as file:
        file.write(f"{text}\n".encode())
    time.sleep(random.uniform(0, 0.3))


@tool("note")
def note(entry: str) -> str:
    """Note an entry in the log."""
    leave_mark(entry)
    return f"noted {entry}"


@tool("deliver")
def deliver(entry: str) -> str:
    """Deliver an entry to the harbour."""
    leave_mark(entry)
    return f"delivered {entry}"


def crew() -> Crew:
    """Sail somewhere, and tell of it."""
    model = LLM(model="openai/gpt-4o-mini", base_url=os.environ["TEST_MODEL"], api_key="sk-test-0123456789")
    mate, cook = (
        Agent(role=role, goal="Sail", backstory="You have sailed a lot.", llm=model, tools=[note, deliver])
        for role in ("Mate", "Cook")
    )
    notes = " ".join(f"[[note entry={{topic}}.{number}]]" for number in (1, 2, 3))
    tasks = [
        _task("sound", mate, notes, async_execution=True),
        _task("weigh", cook, "[[note entry={topic}.4]]", async_execution=True),
        _task("write", mate, ""),
        _task("hand_over", cook, "[[deliver entry={topic}.5]]"),
    ]
    return Crew(agents=[mate, cook], tasks=tasks)


def _task(name: str, who: Agent, marks: str, *, async_execution: bool = False) -> Task:
    description = f"do {name} about {{topic}} {marks}"
    return Task(
        name=name, description=description, expected_output="A text.", agent=who, async_execution=async_execution
    )
