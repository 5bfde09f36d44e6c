"""A crew whose first task asks for human input, and people who answer it."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from server.runnable import Suspended
from tests.support.crews import Crew, adapted, agent, task
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import OpenAIServer


class Verdict(BaseModel):
    word: str
    score: int

    @field_validator("score")
    @classmethod
    def _low(cls, value: int) -> int:
        if value > 9:
            raise ValueError("nobody is that good")
        return value


def build(server: OpenAIServer, **settings: Any) -> Callable[[], Crew]:
    """Make a factory of a crew whose first task asks for human input."""

    def made() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer, human_input=True, **settings), task("next", writer)])

    return made


async def run(made: Callable[[], Crew], answers: dict[str, list[Say]], **more: Any) -> FakeJournal:
    """Run with a checkpoint for every other name that has answers."""
    names = [name for name in answers if not name.startswith("input:")]
    journal = FakeJournal(checkpoints=names, answers=answers, **more)
    await adapted(made).run(journal)
    return journal


async def through(made: Callable[[], Crew], *said: tuple[str, Say], checkpoints: tuple[str, ...] = ()) -> FakeJournal:
    """Answer one question after another; the crew is unwound before each, and made anew behind it."""
    execution, runnable = Execution(), adapted(made)
    for name, say in said:
        with pytest.raises(Suspended):
            await runnable.run(FakeJournal(of=execution, checkpoints=checkpoints, parked=True))
        execution.decide(name, say)
    journal = FakeJournal(of=execution, checkpoints=checkpoints, parked=True)
    await runnable.run(journal)
    return journal
