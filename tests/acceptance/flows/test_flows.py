"""Flows: run like crews, with people's answers where a flow asks, on one attempt or on many."""

import asyncio
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from protocol.events import LlmCompleted, TaskCompleted, TaskFailed, TaskStarted
from server.runnable import CrewFailed, Stopped
from tests.support.flow_notes import BODIES
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
from tests.support.journal import FakeJournal
from tests.support.openai_server import OpenAIServer


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
