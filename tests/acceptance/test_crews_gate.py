"""Checkpoints around the tasks of real crews: every way to answer, in every kind of crew."""

from collections.abc import Iterator

import anyio
import pytest

from protocol.events import TaskCompleted, TaskSkipped, TaskStarted
from server.runnable import Stopped
from tests.support.crews import CREWAI_WARNINGS, Crew, adapted, agent, task
from tests.support.journal import FakeJournal
from tests.support.openai_server import OpenAIServer

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def two_tasks(server: OpenAIServer) -> Crew:
    writer = agent(server)
    return Crew(agents=[writer], tasks=[task("planning", writer), task("writing", writer)])


async def test_a_crew_runs_to_its_end_when_every_output_is_approved(server: OpenAIServer) -> None:
    server.reply("do planning", "The plan.")
    server.reply("do writing", "The text.")
    journal = FakeJournal(checkpoints=["after:planning"], answers={"after:planning": ["approve"]})
    outcome = await adapted(lambda: two_tasks(server)).run(journal)
    assert outcome.output == "The text."
    assert [(done.task, done.output, done.agent) for done in outcome.tasks] == [
        ("planning", "The plan.", "Writer"),
        ("writing", "The text.", "Writer"),
    ]
    assert journal.types() == [
        "task.started", "agent.started", "llm.started", "llm.completed", "agent.completed", "task.completed",
        "task.started", "agent.started", "llm.started", "llm.completed", "agent.completed", "task.completed",
    ]  # fmt: skip
    (question,) = journal.asked
    assert question.draft.text == "The plan."


async def test_a_revision_goes_back_with_the_persons_words(server: OpenAIServer) -> None:
    server.reply("do planning", "Plan one.", "Plan two.", "Plan three.")
    answers = {"after:planning": [("revise", "Shorter"), ("revise", "Still shorter"), "approve"]}
    journal = FakeJournal(checkpoints=["after:planning"], answers=answers)  # type: ignore[arg-type] # a list of says
    await adapted(lambda: two_tasks(server)).run(journal)
    assert [question.version for question in journal.asked] == [1, 2, 3]
    assert [question.draft.text for question in journal.asked] == ["Plan one.", "Plan two.", "Plan three."]
    assert "Your previous answer:\nPlan one.\n\nA person asks you to revise it:\nShorter" in server.prompts()[1]
    assert "Your previous answer:\nPlan two.\n\nA person asks you to revise it:\nStill shorter" in server.prompts()[2]
    assert [event.round for event in journal.events(TaskStarted)] == [1, 2, 3, 1]
    assert "Plan three." in server.prompts("do writing")[0]
