"""A crew that asks people in every form a crew has: about a call, in words, by a form, about typed output."""

import os
import signal
from pathlib import Path
from typing import Literal

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from pydantic import BaseModel, Field

from server.crews.ask import ask_human

QUARTERDECK = {
    "approve": ["deliver"],
    "checkpoints": [
        {"name": "after_quote", "title": "Is the quote right?", "task": "quote", "place": "after", "required": True}
    ],
}


class Parcel(BaseModel):
    """What a person tells about a parcel."""

    weight: int = Field(description="In grams.", ge=1)
    speed: Literal["slow", "fast"]
    fragile: bool = False
    remark: str | None = None


class Quote(BaseModel):
    """What a delivery costs."""

    price: int
    currency: str


@tool("deliver")
def deliver(what: str, to: str) -> str:
    """Deliver something: this cannot be taken back. Nobody cannot be found."""
    if to == "Nobody":
        raise LookupError(f"{to} does not live here")
    return f"delivered {what} to {to}"


@tool("weigh")
def weigh(what: str) -> str:
    """Put something on the scales. The first time, the worker dies of it."""
    weighed = Path(os.environ["TEST_LEDGER"])
    if not weighed.exists():
        weighed.write_text(what)
        os.kill(os.getpid(), signal.SIGKILL)
    return f"weighed {what}"


def crew() -> Crew:
    """Send a parcel."""
    model = LLM(
        model="openai/gpt-4o-mini", base_url=os.environ["TEST_MODEL"], api_key="sk-test-0123456789", stream=True
    )
    asks = ask_human(schema=Parcel, name="ask_parcel", description="Ask about the parcel.")
    courier = Agent(
        role="Courier", goal="Send", backstory="You send.", llm=model, tools=[deliver, weigh, ask_human, asks]
    )
    tasks = [
        Task(
            name=name,
            description=f"do {name} for {{topic}}",
            expected_output="A short text.",
            agent=courier,
            output_pydantic=output,
        )
        for name, output in (("send", None), ("quote", Quote))
    ]
    return Crew(agents=[courier], tasks=tasks)
