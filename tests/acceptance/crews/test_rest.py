"""Crews that are unwound wherever they ask, and go on when there are answers, until nothing of them is left."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from protocol.events import AgentStarted, TaskCompleted, ToolCompleted, ToolStarted
from server.runnable import Outcome, Question, Suspended
from tests.support.crews import Crew, Process, adapted, agent, model, task, threads_at_work, tool
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.journal import made as answer
from tests.support.marked_model import MarkedModel
from tests.support.waiting import wait_until

SENT: list[str] = []
MADE: "weakref.WeakSet[Crew]" = weakref.WeakSet()
Build = Callable[[MarkedModel], Crew]


@pytest.fixture
def server() -> Iterator[MarkedModel]:
    SENT.clear()
    MADE.clear()
    with MarkedModel() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def quick_gc() -> Iterator[None]:
    """Look only at what these tests make, or each look takes a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@tool("send")
def send(to: str) -> str:
    """Send a mail."""
    SENT.append(to)
    return f"sent to {to}"


def in_text(server: MarkedModel) -> Any:
    class InText(type(model(server))):  # type: ignore[misc] # a model that is not offered tools
        def supports_function_calling(self) -> bool:
            return False

    return InText(model="gpt-4o-mini", base_url=server.url, api_key="sk-test-0123456789")


def sequential(server: MarkedModel) -> Crew:
    writer = agent(server, tools=[send])
    names = ("one", "two")
    return Crew(agents=[writer], tasks=[task(n, writer, description=f"do {n} [[send to={n}]]") for n in names])


def react(server: MarkedModel) -> Crew:
    writer = agent(server, tools=[send], llm=in_text(server))
    return Crew(agents=[writer], tasks=[task("one", writer, description="do one [[send to=one]] [[send to=two]]")])


def managed(server: MarkedModel) -> Crew:
    order = "[[delegate_work_to_coworker task=sub ((send to=one));context=none;coworker=Sender]]"
    tasks = [task("one", None, description=f"do one {order}"), task("two", None)]
    team = [agent(server, "Sender", tools=[send])]
    return Crew(agents=team, tasks=tasks, process=Process.hierarchical, manager_llm=model(server))


def side_by_side(server: MarkedModel) -> Crew:
    team = [agent(server, name, tools=[send]) for name in ("Left", "Right")]
    pair = [
        task(name, who, description=f"do {name} [[send to={name}]]", async_execution=True)
        for name, who in zip(("one", "two"), team, strict=True)
    ]
    return Crew(agents=team, tasks=[*pair, task("three", team[0], context=list(pair))])


def parallel_calls(server: MarkedModel) -> Crew:
    writer = agent(server, tools=[send])
    marks = " ".join(f"[[send to={name}]]" for name in ("one", "two", "three"))
    return Crew(agents=[writer], tasks=[task("one", writer, description=f"do one {marks}")])


async def until_done(
    server: MarkedModel, build: Build, say: Callable[[Question], Say], *, one_by_one: bool = False, **more: Any
) -> tuple[Outcome, list[FakeJournal]]:
    """Run a crew that is unwound at every question; people answer while nobody runs it."""

    def made() -> Crew:
        crew = build(server)
        MADE.add(crew)
        return crew

    execution, runnable, journals = Execution(), adapted(made, approve=("send",)), []
    for _ in range(30):
        journals.append(FakeJournal(of=execution, parked=True, **more))
        with suppress(Suspended):
            return await runnable.run(journals[-1]), journals
        await nothing_is_left()
        assert execution.open, "it was unwound for a question"
        for question in execution.open[:1] if one_by_one else list(execution.open):
            execution.answers[question.step, question.version] = answer(question, say(question))
    raise AssertionError("it never came to its end")


async def nothing_is_left() -> None:
    """Wait until no thread works for the crew, no task of it is left, and the crew itself is gone."""
    await wait_until(lambda: not threads_at_work(), description="no thread is at work")

    def gone() -> bool:
        gc.collect()
        return len(MADE) == 0 and len(asyncio.all_tasks()) <= TASKS

    await wait_until(gone, description=f"nothing is left of the crew: {list(MADE)}, {asyncio.all_tasks()}")


#: The test, and what the test's own loop needs.
TASKS = 2


@pytest.mark.parametrize(
    ("build", "rounds", "sent"),
    [
        (sequential, 3, ["one", "two"]),
        (react, 3, ["one", "two"]),
        (managed, 2, ["one"]),
        (side_by_side, 2, ["one", "two"]),
        (parallel_calls, 2, ["one", "three", "two"]),
    ],
)
async def test_a_crew_is_unwound_where_a_tool_is_asked_about(
    server: MarkedModel, build: Build, rounds: int, sent: list[str]
) -> None:
    outcome, journals = await until_done(server, build, lambda question: "approve")
    assert len(journals) == rounds
    assert sorted(SENT) == sent
    told = [event.call for journal in journals for event in journal.events(ToolStarted)]
    assert len(told) == len(set(told))
    done = [event.call for journal in journals for event in journal.events(ToolCompleted)]
    assert sorted(done) == sorted(told)
    agents = [(event.agent, event.task) for journal in journals for event in journal.events(AgentStarted)]
    assert len(agents) == len(outcome.tasks) + (build is managed)
    assert len(server.requests) == sum(event.usage.calls for event in _completed(journals))


def _completed(journals: list[FakeJournal]) -> list[TaskCompleted]:
    return [event for journal in journals for event in journal.events(TaskCompleted)]


async def test_it_is_unwound_ten_times_in_a_row(server: MarkedModel) -> None:
    revisions: Iterator[Say] = iter([*[("revise", "Again.")] * 9, "approve"])

    def say(question: Question) -> Say:
        return "approve" if question.kind == "tool" else next(revisions)

    outcome, journals = await until_done(server, _one_task, say, checkpoints=["after:one"])
    versions = [question.version for journal in journals for question in journal.asked if question.kind != "tool"]
    assert versions == list(range(1, 11))
    assert (len(journals), len(SENT)) == (21, 10)
    assert len(server.requests) == 20
    assert outcome.output == "Answer 10."


def _one_task(server: MarkedModel) -> Crew:
    writer = agent(server, tools=[send])
    return Crew(agents=[writer], tasks=[task("one", writer, description="do one [[send to=one]]")])


async def test_one_of_several_questions_may_be_answered_first(server: MarkedModel) -> None:
    _, journals = await until_done(server, parallel_calls, lambda question: "approve", one_by_one=True)
    assert sorted(SENT) == ["one", "three", "two"]
    assert [len(journal.asked) for journal in journals] == [3, 2, 1, 0]
    assert len(server.requests) == 2


async def test_no_thread_stays_behind(server: MarkedModel) -> None:
    await until_done(server, side_by_side, lambda question: "approve")
    before = _threads()
    await until_done(server, side_by_side, lambda question: "approve")
    assert _threads() == before


def _threads() -> set[str]:
    """Name the threads, those of the loop's own pool aside, which wait for work and grow to its size."""
    return {thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}
