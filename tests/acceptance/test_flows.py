"""Flows: run like crews, with people's answers where a flow asks, on one attempt or on many."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from protocol.events import LlmCompleted, TaskCompleted, TaskFailed, TaskStarted
from server.runnable import CrewFailed, Stopped, Suspended
from tests.support.crews import CREWAI_WARNINGS, Crew, agent, task, tool
from tests.support.flows import (
    Flow,
    adapted_flow,
    and_,
    human_feedback,
    listen,
    or_,
    router,
    run_flow,
    run_parked,
    start,
)
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]

BODIES: list[str] = []
SERVER: list[OpenAIServer] = []
SENT: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    BODIES.clear()
    SENT.clear()


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        SERVER[:] = [running]
        yield running


@tool("post")
def post(text: str) -> str:
    """Post a text."""
    SENT.append(text)
    return f"posted {text}"


def crew(name: str, **settings: Any) -> Any:
    writer = agent(SERVER[0], tools=[post])
    return Crew(agents=[writer], tasks=[task(name, writer, **settings)])


class State(BaseModel):
    topic: str = "tea"
    count: int = 0


class Plain(Flow[State]):
    """Count, twice."""

    @start()
    def first(self) -> str:
        BODIES.append("first")
        self.state.count += 1
        return f"about {self.state.topic}"

    @listen(first)
    async def second(self, text: str) -> dict[str, Any]:
        BODIES.append("second")
        self.state.count += 1
        return {"text": text, "count": self.state.count}


async def test_a_flow_is_described_by_its_state_and_its_methods(server: OpenAIServer) -> None:
    described = adapted_flow(Plain).describe()
    assert (described.kind, [plan.name for plan in described.tasks]) == ("flow", ["first", "second"])
    assert described.inputs["required"] == []
    assert set(described.inputs["properties"]) == {"topic", "count"}


async def test_methods_are_told_as_tasks(server: OpenAIServer) -> None:
    outcome, journal = await run_flow(Plain, inputs={"topic": "kopi"})
    assert outcome.output_json == {"text": "about kopi", "count": 2}
    assert [output.task for output in outcome.tasks] == ["first", "second"]
    assert journal.types() == ["task.started", "task.completed", "task.started", "task.completed"]
    assert [(event.task, event.index, event.round) for event in journal.events(TaskStarted)] == [
        ("first", 0, 1), ("second", 1, 1),
    ]  # fmt: skip
    assert journal.events(TaskCompleted)[0].output == "about kopi"


class Reviewed(Flow[dict[str, Any]]):
    @start()
    def draft(self) -> str:
        BODIES.append("draft")
        self.state["drafts"] = self.state.get("drafts", 0) + 1
        return "the draft"

    @listen(draft)
    @human_feedback(message="Publish it?", emit=["approved", "rejected"], llm="gpt-4o-mini", default_outcome="approved")
    def review(self, draft: str) -> str:
        BODIES.append("review")
        return draft

    @listen("approved")
    def publish(self, result: Any) -> str:
        return f"PUBLISHED {result.feedback} {self.state['drafts']}"

    @listen("rejected")
    def reject(self, result: Any) -> str:
        return f"REJECTED {result.feedback} {self.state['drafts']}"


@pytest.mark.parametrize(
    ("said", "output"),
    [
        ("outcome:approved", "PUBLISHED approved 1"),
        ("outcome:rejected", "REJECTED rejected 1"),
        (("outcome:rejected", "too long"), "REJECTED too long 1"),
    ],
)
@pytest.mark.parametrize("parked", [False, True])
async def test_a_pressed_outcome_needs_no_model(server: OpenAIServer, said: Any, output: str, parked: bool) -> None:
    if parked:
        outcome, journals = await run_parked(Reviewed, {"review": [said]})
    else:
        outcome, journal = await run_flow(Reviewed, {"review": [said]})
        journals = [journal]
    assert outcome.output == output
    assert server.requests == []
    (question, *_) = journals[0].asked
    assert (question.kind, question.description, question.draft.text) == ("flow", "Publish it?", "the draft")
    assert [action.id for action in question.actions] == ["outcome:approved", "outcome:rejected", "respond", "stop"]
    assert BODIES == ["draft", "review"], "no body runs twice"
    told = [event.task for journal in journals for event in journal.events(TaskStarted)]
    assert len(told) == len(set(told)) == 3


async def test_words_are_made_an_outcome_by_the_model(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.reply("ship it", '{"outcome": "approved"}')
    outcome, journals = await run_parked(Reviewed, {"review": [("respond", "ship it")]})
    assert outcome.output == "PUBLISHED ship it 1"
    assert len(server.requests) == 1
    assert sum(len(journal.events(LlmCompleted)) for journal in journals) == 1


async def test_stop_ends_a_flow(server: OpenAIServer) -> None:
    with pytest.raises(Stopped) as stopped:
        await run_flow(Reviewed, {"review": ["stop"]})
    assert stopped.value.task == "review"


class Both(Flow[dict[str, Any]]):
    """Two people are asked at the same time."""

    @start()
    def go(self) -> str:
        return "x"

    @listen(go)
    @human_feedback(message="left?")
    def left(self, _: str) -> str:
        return "L"

    @listen(go)
    @human_feedback(message="right?")
    def right(self, _: str) -> str:
        return "R"

    @listen(left)
    def keep_left(self, result: Any) -> None:
        self.state["left"] = result.feedback

    @listen(right)
    def keep_right(self, result: Any) -> None:
        self.state["right"] = result.feedback

    @listen(and_(keep_left, keep_right))
    def end(self) -> str:
        return f"{self.state['left']} {self.state['right']}"


async def test_several_questions_wait_at_once(server: OpenAIServer) -> None:
    outcome, journals = await run_parked(Both, {"left": [("respond", "yes")], "right": ["approve"]})
    assert outcome.output.split() == ["yes"]
    assert {question.name for question in journals[0].asked} == {"left", "right"}
    assert len(journals) == 2


class Asking(Flow[dict[str, Any]]):
    @start()
    def talk(self) -> str:
        BODIES.append("talk")
        return f"{self.ask('Your name?')} is {self.ask('Your age?')}"


@pytest.mark.parametrize("parked", [False, True])
async def test_a_flow_asks_in_the_middle_of_a_method(server: OpenAIServer, parked: bool) -> None:
    said: dict[str, Any] = {"ask": [("respond", "Rara"), ("respond", "33")]}
    outcome = (await run_parked(Asking, said) if parked else await run_flow(Asking, said))[0]
    assert outcome.output == "Rara is 33"
    assert len(BODIES) == (3 if parked else 1)


class Crews(Flow[dict[str, Any]]):
    """A crew, a question, another crew, kicked off in both ways."""

    @start()
    def one(self) -> str:
        return str(crew("alpha").kickoff().raw)

    @listen(one)
    @human_feedback(message="go on?")
    async def two(self, text: str) -> str:
        return str((await crew("beta").akickoff()).raw)

    @listen(two)
    async def three(self, _: Any) -> str:
        return str((await crew("gamma").kickoff_async()).raw)


def script(server: OpenAIServer) -> None:
    for name in ("alpha", "beta", "gamma"):
        server.reply(f"do {name}", Reply(calls=[Call("post", {"text": name})]), f"{name} is done")


@pytest.mark.parametrize("parked", [False, True])
async def test_crews_in_a_flow_are_done_once(server: OpenAIServer, parked: bool) -> None:
    script(server)
    said: dict[str, Any] = {"two": [("respond", "yes")]}
    outcome = (await run_parked(Crews, said) if parked else await run_flow(Crews, said))[0]
    assert outcome.output == "gamma is done"
    assert SENT == ["alpha", "beta", "gamma"]
    assert len(server.requests) == 6


async def test_tasks_of_crews_in_a_flow_are_told_and_can_be_held(server: OpenAIServer) -> None:
    script(server)
    outcome, journals = await run_parked(
        Crews, {"after:two/beta": [("edit", "beta was edited")], "two": ["approve"]}, checkpoints=["after:beta"]
    )
    assert outcome.output == "gamma is done"
    started = [(event.task, event.index) for journal in journals for event in journal.events(TaskStarted)]
    assert started == [("one", 0), ("one/alpha", 3), ("two", 1), ("two/beta", 4), ("three", 2), ("three/gamma", 5)]
    edited = [event for journal in journals for event in journal.events(TaskCompleted) if event.edited]
    assert [event.output for event in edited] == ["beta was edited"]


async def test_a_checkpoint_at_no_task_of_a_method_is_not_passed_over(server: OpenAIServer) -> None:
    script(server)
    with pytest.raises(CrewFailed) as failed:
        await run_flow(Crews, {"two": ["approve"]}, checkpoints=["after:two/betta"])
    assert (failed.value.code, failed.value.task) == ("unknown_checkpoint", None)
    assert "'after:two/beta'" in failed.value.message


class Cyclic(Flow[dict[str, Any]]):
    """Redraft until a person is content: a method and a question of the same name, again and again."""

    @start("again")
    def write(self) -> str:
        self.state["n"] = self.state.get("n", 0) + 1
        BODIES.append(f"write {self.state['n']}")
        return f"draft {self.state['n']}"

    @router(write)
    @human_feedback(message="content?", emit=["done", "again"], llm="openai/none")
    def judge(self, text: str) -> str:
        return text

    @listen("done")
    def end(self, _: Any) -> str:
        return f"ended with {self.state['n']}"


async def test_a_cycle_of_ten_questions(server: OpenAIServer) -> None:
    class Loop(Cyclic):
        pass

    Loop._flow_definition = Cyclic.flow_definition()
    outcome, journals = await run_parked(Loop, {"judge": [*["outcome:again"] * 9, "outcome:done"]})
    assert outcome.output == "ended with 10"
    assert [f"write {number}" for number in range(1, 11)] == BODIES
    rounds = [event.round for journal in journals for event in journal.events(TaskStarted) if event.task == "write"]
    assert rounds == list(range(1, 11))


class Failing(Flow[dict[str, Any]]):
    @start()
    def fine(self) -> str:
        return "fine"

    @listen(fine)
    def breaks(self, _: str) -> str:
        raise ValueError("the almanac has no such day")


async def test_what_a_method_raises_ends_the_execution(server: OpenAIServer) -> None:
    journal = FakeJournal()
    with pytest.raises(CrewFailed) as failed:
        await adapted_flow(Failing).run(journal)
    assert (failed.value.task, failed.value.message) == ("breaks", "the almanac has no such day")
    assert [event.task for event in journal.events(TaskFailed)] == ["breaks"]


class Racing(Flow[dict[str, Any]]):
    """Two methods beside each other change the state: neither is skipped on a later attempt."""

    barrier: ClassVar[list[asyncio.Event]] = []

    @start()
    async def a(self) -> str:
        BODIES.append("a")
        self.state["a"] = self.state.get("a", 0) + 1
        return "a"

    @start()
    async def b(self) -> str:
        BODIES.append("b")
        self.state["b"] = self.state.get("b", 0) + 1
        return "b"

    @listen(or_(and_(a, b)))
    @human_feedback(message="?")
    def both(self) -> str:
        return f"{self.state['a']}{self.state['b']}"

    @listen(both)
    def end(self, result: Any) -> str:
        return str(result.output)


async def test_methods_beside_each_other_leave_the_state_as_it_was(server: OpenAIServer) -> None:
    outcome, _ = await run_parked(Racing, {"both": ["approve"]})
    assert outcome.output == "11"


async def test_nothing_of_an_unwound_flow_stays_alive(server: OpenAIServer) -> None:
    alive: weakref.WeakSet[Any] = weakref.WeakSet()

    def build() -> Flow[Any]:
        made = Crews()
        alive.add(made)
        return made

    script(server)
    await run_flow(Plain)  # the first flow of a process imports lancedb, whose own loop keeps the context it is made in
    alive.clear()
    runnable, execution = adapted_flow(build), Execution()
    with pytest.raises(Suspended):
        await runnable.run(FakeJournal(of=execution, parked=True))

    def gone() -> bool:
        gc.collect()
        return len(alive) == 0

    await wait_until(gone, description="no flow is referenced", timeout=40)
