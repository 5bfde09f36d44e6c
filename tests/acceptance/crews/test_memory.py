"""Memory and knowledge within executions: asked once, remembered once, and never at the cost of others."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.events import JournalMissed, LlmCompleted
from tests.support.crews import Crew, adapted, agent, model, task
from tests.support.journal import Execution, FakeJournal
from tests.support.marked_model import MarkedModel
from tests.support.openai_server import Reply
from tests.support.waiting import wait_until

# isort: split

from crewai.knowledge.knowledge import Knowledge
from crewai.knowledge.storage.base_knowledge_storage import BaseKnowledgeStorage
from crewai.memory.unified_memory import Memory

LONG = "tea " * 80  # crewai asks a model about what it looks for, when that is long
MEMORIES = '{"memories": ["Tea is green."]}'
EMBEDDED: list[str] = []
SOUGHT: list[str] = []


@pytest.fixture
def server() -> Iterator[MarkedModel]:
    EMBEDDED.clear()
    SOUGHT.clear()
    with MarkedModel() as running:
        yield running


def embed(texts: list[str]) -> list[list[float]]:
    EMBEDDED.extend(texts)
    return [[1.0, float(len(text) % 7), *[0.1] * 6] for text in texts]


class Shelf(BaseKnowledgeStorage):
    """A storage that finds another text every time."""

    def search(self, query: list[str], *args: Any, **kwargs: Any) -> Any:
        SOUGHT.extend(query)
        return [{"id": "1", "content": f"Fact {len(SOUGHT)}.", "metadata": {}, "score": 0.9}]

    async def asearch(self, query: list[str], *args: Any, **kwargs: Any) -> Any:
        return self.search(query)

    def save(self, documents: list[str]) -> None:
        pass

    async def asave(self, documents: list[str]) -> None:
        pass

    def reset(self) -> None:
        pass

    async def areset(self) -> None:
        pass


def memory(server: MarkedModel, folder: Path) -> Memory:
    return Memory(llm=model(server), embedder=embed, storage=str(folder))


def reminded(server: MarkedModel, folder: Path) -> Crew:
    writer = agent(server)
    tasks = [task("one", writer, description=f"do one {LONG}"), task("two", writer)]
    return Crew(agents=[writer], tasks=tasks, memory=memory(server, folder))


def learned(server: MarkedModel) -> Crew:
    writer = agent(server, knowledge=Knowledge(collection_name="tea", sources=[], storage=Shelf()))
    return Crew(agents=[writer], tasks=[task("one", writer)])


def forget_outputs(execution: Execution) -> None:
    for step in list(execution.recorded):
        if step.endswith(("/output", "/draft/1")):
            del execution.recorded[step]


async def test_memory_is_asked_and_filled_once(server: MarkedModel, tmp_path: Path) -> None:
    server.reply("You extract discrete", MEMORIES)
    execution, runnable = Execution(), adapted(lambda: reminded(server, tmp_path))
    outcome = await runnable.run(FakeJournal(of=execution))
    made = len(server.requests)
    assert made > 4, "the two tasks, and what memory asks to find, to extract and to keep"
    forget_outputs(execution)
    memory(server, tmp_path).remember("do two, and be short", scope="/", categories=[], importance=0.9)
    records, asked, embedded = memory(server, tmp_path).list_records(), len(server.requests), list(EMBEDDED)
    again = FakeJournal(of=execution)
    assert await runnable.run(again) == outcome
    assert (len(server.requests), EMBEDDED) == (asked, embedded)
    assert again.events(JournalMissed) == []
    assert len(again.events(LlmCompleted)) == made
    assert memory(server, tmp_path).list_records() == records


async def test_the_loop_is_free_while_a_memory_asks_its_model(server: MarkedModel, tmp_path: Path) -> None:
    held = threading.Event()
    server.reply("You analyze a query", Reply("{}", hold=held))
    running = asyncio.create_task(adapted(lambda: reminded(server, tmp_path)).run(FakeJournal()))
    await wait_until(lambda: len(server.prompts("You analyze a query")) == 1, description="the memory asks", timeout=30)
    assert not running.done()
    held.set()
    await running


async def test_knowledge_is_looked_up_once(server: MarkedModel) -> None:
    execution, runnable = Execution(), adapted(lambda: learned(server))
    outcome = await runnable.run(FakeJournal(of=execution))
    asked, sought = len(server.requests), list(SOUGHT)
    assert "Fact 1." in server.prompts("do one")[-1]
    forget_outputs(execution)
    again = FakeJournal(of=execution)
    assert await runnable.run(again) == outcome
    assert (len(server.requests), SOUGHT) == (asked, sought)
    assert again.events(JournalMissed) == []
