"""Planning, memory, knowledge and training: they work in an execution as they do without one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from protocol.events import TaskCompleted
from server.runnable import Suspended
from tests.support.crews import Crew, CrewTrainingHandler, Memory, StringKnowledgeSource, adapted, agent, model, task
from tests.support.flows import Flow, run_parked, start
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import OpenAIServer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

MEMORY = "The client likes green tea."
#: A crew that stands still does so for good.
LIMIT = 30.0
#: Long enough for crewai to have a model make a query of it.
LONG = "do it: " + "find out which tea the client likes best, and why. " * 6


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        running.reply(
            "You extract discrete, reusable memory statements", '{"memories": ["The client likes green tea."]}'
        )
        running.reply(
            "You analyze content to be stored",
            '{"suggested_scope": "/tea", "categories": ["tea"], "importance": 0.9, "extracted_metadata": '
            '{"entities": [], "dates": [], "topics": []}}',
        )
        running.reply(
            "You analyze a query for searching memory",
            '{"keywords": ["tea"], "suggested_scopes": [], "complexity": "simple", "recall_queries": ["green tea"], '
            '"time_filter": null}',
        )
        running.reply("You are comparing new content", '{"actions": [], "insert_new": false, "insert_reason": ""}')
        yield running


def embedder(server: OpenAIServer) -> Any:
    return {
        "provider": "openai",
        "config": {"api_base": server.url, "api_key": "sk-test", "model_name": "text-embedding-3-small"},
    }


def remembering(server: OpenAIServer, folder: Path) -> Callable[[], Crew]:
    def made() -> Crew:
        writer = agent(server)
        memory = Memory(llm=model(server), storage=str(folder / "memory"), embedder=embedder(server))
        tasks = [task("it", writer, description=LONG), task("next", writer, description=LONG.replace("it", "next", 1))]
        return Crew(agents=[writer], tasks=tasks, memory=memory)

    return made


async def test_a_crew_remembers(server: OpenAIServer, tmp_path: Path) -> None:
    for _ in range(2):
        with anyio.fail_after(LIMIT):
            await adapted(remembering(server, tmp_path)).run(FakeJournal())
    first, second = server.prompts("Current Task: do it")
    assert [MEMORY in prompt for prompt in (first, second)] == [False, True]
    assert all(MEMORY in prompt for prompt in server.prompts("Current Task: do next"))


async def test_nothing_is_recalled_or_saved_twice(server: OpenAIServer, tmp_path: Path) -> None:
    execution, runnable = Execution(), adapted(remembering(server, tmp_path))
    names = ("after:it", "before:next", "after:next")
    for name in names:
        with pytest.raises(Suspended), anyio.fail_after(LIMIT):
            await runnable.run(FakeJournal(of=execution, checkpoints=names, parked=True))
        execution.decide(name, "approve")
    with anyio.fail_after(LIMIT):
        await runnable.run(FakeJournal(of=execution, checkpoints=names))
    asked = [request.prompt for request in server.requests]
    assert len(set(asked)) == len(asked)
    assert [step for step in execution.recorded if step.endswith("/memory.0")] == ["t0/1/memory.0", "t1/1/memory.0"]


async def test_a_second_attempt_recalls_what_the_first_did(server: OpenAIServer, tmp_path: Path) -> None:
    """What others save in the meantime would change the prompt, and have the model asked again."""
    execution, runnable = Execution(), adapted(remembering(server, tmp_path))
    with anyio.fail_after(LIMIT):
        await runnable.run(FakeJournal(of=execution))
    for step in [step for step in execution.recorded if step.endswith("/output")]:
        del execution.recorded[step]
    asked = len(server.requests)
    with anyio.fail_after(LIMIT):
        again = FakeJournal(of=execution)
        await runnable.run(again)
    assert len(server.requests) == asked
    assert [done.task for done in again.events(TaskCompleted)] == ["it", "next"]


async def test_memory_that_does_not_work_is_done_without(server: OpenAIServer, tmp_path: Path) -> None:
    def made() -> Crew:
        crew = remembering(server, tmp_path)()
        assert isinstance(crew.memory, Memory)
        crew.memory.embedder = None  # crewai then wants OpenAI's own
        return crew

    journal = FakeJournal()
    with anyio.fail_after(LIMIT):
        await adapted(made).run(journal)
    assert [done.output for done in journal.events(TaskCompleted)] == ["An answer.", "An answer."]


async def test_memory_keeps_what_a_person_made_of_an_answer(server: OpenAIServer, tmp_path: Path) -> None:
    def made() -> Crew:
        crew = remembering(server, tmp_path)()
        crew.tasks[0].human_input = True
        return crew

    with anyio.fail_after(LIMIT):
        await adapted(made).run(FakeJournal(answers={"input:it": [("edit", "It is black tea.")]}))
    assert "Result: It is black tea." in server.prompts("You extract discrete")[0]


async def test_agents_know(server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREWAI_STORAGE_DIR", str(tmp_path))

    def made() -> Crew:
        source = StringKnowledgeSource(content="The client's favourite tea is green tea from Ambon.")
        writer = agent(server, knowledge_sources=[source], embedder=embedder(server))
        return Crew(agents=[writer], tasks=[task("it", writer, description="do it: write of the favourite tea")])

    server.reply("rewrite", "the client's favourite tea is green tea")
    server.reply("Current Task: do it", "Green.")
    execution, runnable = Execution(), adapted(made)
    with pytest.raises(Suspended), anyio.fail_after(LIMIT):
        await runnable.run(FakeJournal(of=execution, checkpoints=["after:it"], parked=True))
    execution.decide("after:it", ("revise", "Longer"))
    with pytest.raises(Suspended), anyio.fail_after(LIMIT):
        await runnable.run(FakeJournal(of=execution, checkpoints=["after:it"], parked=True))
    assert all("green tea from Ambon" in prompt for prompt in server.prompts("Current Task: do it"))


async def test_agents_do_what_they_were_trained_to(server: OpenAIServer, tmp_path: Path) -> None:
    file = tmp_path / "trained.pkl"
    CrewTrainingHandler(str(file)).save_trained_data("Writer", {"suggestions": ["Name the harbour."]})

    def made() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer)], trained_agents_file=str(file))

    await adapted(made).run(FakeJournal())
    assert "Name the harbour." in server.prompts("do it")[0]


async def test_a_crew_is_trained_by_the_words_of_people(
    server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # crewai keeps what it hears while it trains beside the crew
    file = str(tmp_path / "trained.pkl")

    class School(Flow[Any]):
        @start()
        def train(self) -> str:
            writer = agent(server)
            Crew(agents=[writer], tasks=[task("it", writer)]).train(n_iterations=1, filename=file)
            return "trained"

    server.reply("do it", "One.", "Two.")
    server.reply("Assess the quality", '{"suggestions": ["Name the harbour."], "quality": 7, "final_summary": "Good."}')
    _, journals = await run_parked(School, {"training:train/it": [("respond", "Name the harbour")]})
    assert [question.kind for journal in journals for question in journal.asked] == ["task.input"]
    assert len(server.prompts("Current Task: do it")) == 2
    assert CrewTrainingHandler(file).load()["Writer"]["suggestions"] == ["Name the harbour."]
