"""A crew whose every task has an effect on the world: a line in a ledger. Its prompts say `do TASK about TOPIC`."""

import os
from pathlib import Path

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

TASKS = ("fetch", "wrap", "hand over")
QUARTERDECK = {
    "checkpoints": [
        {"name": f"after_{name.replace(' ', '_')}", "title": name, "task": name, "place": "after", "required": True}
        for name in TASKS
    ],
}


@tool("deliver")
def deliver(what: str) -> str:
    """Deliver something: this cannot be taken back."""
    with Path(os.environ["TEST_LEDGER"]).open("a") as ledger:
        ledger.write(f"{what}\n")
    return f"delivered {what}"


def crew() -> Crew:
    """Run errands."""
    model = LLM(
        model="openai/gpt-4o-mini", base_url=os.environ["TEST_MODEL"], api_key="sk-test-0123456789", stream=True
    )
    runner = Agent(role="Runner", goal="Run", backstory="You run.", llm=model, max_retry_limit=0, tools=[deliver])
    tasks = [
        Task(name=name, description=f"do {name} about {{topic}}", expected_output="A short text.", agent=runner)
        for name in TASKS
    ]
    return Crew(agents=[runner], tasks=tasks)
