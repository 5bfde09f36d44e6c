"""A crew that asks people in every way its author can write down. Its prompts say `do TASK about TOPIC`."""

import os
from pathlib import Path

from crewai import LLM, Agent, Crew, Task
from crewai.memory.unified_memory import Memory
from crewai.tasks.task_output import TaskOutput
from pydantic import BaseModel, field_validator

from server.crews.ask import ask_human


class Budget(BaseModel):
    """What the client may spend."""

    rupiah: int


class Offer(BaseModel):
    """What the client gets."""

    title: str
    price: int

    @field_validator("price")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd prices look cheap")
        return value


def note(output: TaskOutput) -> None:
    """Have an effect on the world: a line in a ledger."""
    with Path(os.environ["TEST_LEDGER"]).open("a") as ledger:
        ledger.write(f"{output.raw}\n")


def crew() -> Crew:
    """Make an offer."""
    url = os.environ["TEST_MODEL"]
    model = LLM(model="openai/gpt-4o-mini", base_url=url, api_key="sk-test-0123456789", stream=True)
    embedder = {
        "provider": "openai",
        "config": {"api_base": url, "api_key": "sk", "model_name": "text-embedding-3-small"},
    }
    tools = [ask_human(schema=Budget, name="ask_budget", description="Ask for the budget.")]
    seller = Agent(role="Seller", goal="Sell", backstory="You sell.", llm=model, max_retry_limit=0, tools=tools)
    offer = Task(
        name="offer", description="do offer about {topic}. " + "Mind what the client likes, and what not. " * 6,
        expected_output="An offer.", agent=seller, human_input=True, output_pydantic=Offer, callback=note,
        output_file="offers/{topic}.json",
    )  # fmt: skip
    return Crew(
        agents=[seller],
        tasks=[
            offer,
            Task(name="letter", description="do letter about {topic}", expected_output="A text.", agent=seller),
        ],
        memory=Memory(llm=model, storage=os.environ["TEST_MEMORY"], embedder=embedder),
    )
