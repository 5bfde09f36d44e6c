"""A crew that was changed while an execution waited: it goes on only after a person has said so."""

import pytest

from server.runnable import Runnable, Stopped, Suspended
from tests.support.crews import Crew, adapted, agent, task
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import OpenAIServer

BEFORE = {"crew.py": "1", "agents.yaml": "1", "task 'one'": "1"}
AFTER = {"crew.py": "1", "agents.yaml": "2", "task 'two'": "1"}


async def waiting(server: OpenAIServer) -> Execution:
    """Give an execution that waits after its first task, and was begun with the first version."""
    execution = Execution()
    with pytest.raises(Suspended):
        await crew(server, BEFORE).run(FakeJournal(of=execution, parked=True, checkpoints=["after:one"]))
    execution.decide("after:one", "approve")
    return execution


def crew(server: OpenAIServer, manifest: dict[str, str]) -> Runnable:
    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("one", writer), task("two", writer)])

    return adapted(build, manifest=manifest)


async def test_the_same_version_goes_on_unasked(server: OpenAIServer) -> None:
    execution = await waiting(server)
    journal = FakeJournal(of=execution, checkpoints=["after:one"])
    await crew(server, BEFORE).run(journal)
    assert journal.asked == []


async def test_another_version_asks_first_and_names_what_changed(server: OpenAIServer) -> None:
    execution, paid = await waiting(server), len(server.requests)
    journal = FakeJournal(of=execution, parked=True, checkpoints=["after:one"])
    with pytest.raises(Suspended):
        await crew(server, AFTER).run(journal)
    assert len(server.requests) == paid, "nothing is done before somebody has answered"
    (question,) = journal.asked
    assert (question.kind, [action.id for action in question.actions]) == ("recovery", ["retry", "stop"])
    assert question.draft.text == "agents.yaml changed; task 'two' is new; task 'one' is gone"
    execution.decide("new-version", "retry")
    outcome = await crew(server, AFTER).run(FakeJournal(of=execution, checkpoints=["after:one"]))
    assert len(outcome.tasks) == 2
    assert len(server.prompts("do one\n")) == 1


async def test_a_person_may_stop_it_there(server: OpenAIServer) -> None:
    execution = await waiting(server)
    with pytest.raises(Stopped):
        await crew(server, AFTER).run(FakeJournal(of=execution, answers={"new-version": ["stop"]}))
