"""Flows for tests, and what runs them against the local model server."""

from collections.abc import Callable
from typing import Any

from server.runnable import Outcome, Runnable, Suspended

import tests.support.crews  # noqa: F401  # isort: skip  # the first import of crewai, without its warnings
from crewai.flow.flow import Flow, and_, listen, or_, router, start
from crewai.flow.human_feedback import human_feedback
from crewai.flow.persistence import SQLiteFlowPersistence, persist

from server.crews.flows import adapt_flow, describe_flow
from server.crews.fresh import quietly
from server.crews.process import prepare_library
from server.crews.registration import Registration
from tests.support.journal import Execution, FakeJournal, Say

__all__ = [
    "Flow", "SQLiteFlowPersistence", "adapted_flow", "and_", "human_feedback", "listen", "or_", "persist", "router",
    "run_flow", "run_parked", "start",
]  # fmt: skip

Build = Callable[[], Flow[Any]]


def adapted_flow(build: Build, **more: Any) -> Runnable:
    """Make something that runs, of a flow; `more` are fields of its registration."""
    prepare_library()
    registration = Registration(**more)
    return adapt_flow(build, describe_flow("test", quietly(build), registration, ""), registration)


async def run_flow(
    build: Build, answers: dict[str, list[Say]] | None = None, **more: Any
) -> tuple[Outcome, FakeJournal]:
    """Run a flow to its end."""
    journal = FakeJournal(answers=answers, **more)
    return await adapted_flow(build).run(journal), journal


async def run_parked(
    build: Build, answers: dict[str, list[Say]], of: Execution | None = None, **more: Any
) -> tuple[Outcome, list[FakeJournal]]:
    """Run a flow that is unwound at every question; people answer while nobody runs it."""
    execution, runnable, journals = of or Execution(), adapted_flow(build), []
    said = {name: list(all_said) for name, all_said in answers.items()}
    for _ in range(30):
        journals.append(FakeJournal(of=execution, parked=True, **more))
        try:
            return await runnable.run(journals[-1]), journals
        except Suspended:
            assert execution.open, "it was unwound for a question"
            for question in list(execution.open):
                execution.decide(question.name, said[question.name].pop(0))
    raise AssertionError("it never came to its end")
