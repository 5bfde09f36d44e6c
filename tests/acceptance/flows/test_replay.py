"""What a flow is on a later attempt: what it was, whatever it keeps."""

import asyncio
import threading
import uuid
from typing import Any

import pytest
from pydantic import BaseModel, Field

from protocol.events import LlmCompleted, TaskCompleted
from server.runnable import Suspended
from tests.support.flow_notes import BODIES, GATES, SERVER, one_task
from tests.support.flows import Flow, adapted_flow, human_feedback, listen, run_parked, start
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import OpenAIServer
from tests.support.waiting import wait_until


class Verdict(BaseModel):
    word: str
    score: int


class Attributes(Flow[dict[str, Any]]):
    """What methods put on the flow itself, in the state and beside it."""

    @start()
    def first(self) -> tuple[int, str]:
        BODIES.append("first")
        self.count = getattr(self, "count", 0) + 1
        self.state["pair"] = (1, {2, 3})
        self.state["verdict"] = Verdict(word="good", score=1)
        return (1, "a")

    @listen(first)
    @human_feedback(message="?")
    def second(self, given: tuple[int, str]) -> Verdict:
        BODIES.append("second")
        self.count += 1
        assert given == (1, "a")
        verdict: Verdict = self.state["verdict"]
        verdict.score += 1
        return verdict

    @listen(second)
    def third(self, result: Any) -> str:
        assert isinstance(result.output, Verdict)
        assert self.state["pair"] == (1, {2, 3})
        return f"{self.count} {result.output.score} {self.state['verdict'].score}"


async def test_all_that_a_flow_keeps_comes_back(server: OpenAIServer) -> None:
    outcome, journals = await run_parked(Attributes, {"second": ["approve"]})
    assert (outcome.output, len(journals)) == ("2 2 2", 2)
    assert BODIES == ["first", "second"]


class Frame:
    """Something that cannot be written as data, and has content."""

    def __init__(self) -> None:
        self.rows: list[str] = []


class Unwritable(Flow[dict[str, Any]]):
    @start()
    def load(self) -> None:
        BODIES.append("load")
        self.state["frame"] = Frame()
        self.state["log"] = ["load"]

    @listen(load)
    def fill(self) -> None:
        BODIES.append("fill")
        self.state["frame"].rows.append(one_task("fill").kickoff().raw)
        self.state["log"].append("fill")

    @listen(fill)
    @human_feedback(message="?")
    def show(self) -> str:
        return " ".join(self.state["log"])

    @listen(show)
    def end(self) -> str:
        return f"{len(self.state['frame'].rows)} {self.state['log']}"


async def test_what_cannot_be_written_is_made_again_and_only_that(server: OpenAIServer) -> None:
    outcome, _ = await run_parked(Unwritable, {"show": ["approve"]})
    assert outcome.output == "1 ['load', 'fill']"
    assert BODIES == ["load", "fill"] * 2
    assert len(server.requests) == 1, "what a body calls is done once all the same"


class Structured(Flow[dict[str, Any]]):
    @start()
    def judge(self) -> Any:
        BODIES.append("judge")
        return one_task("judge", output_pydantic=Verdict).kickoff()

    @listen(judge)
    @human_feedback(message="?")
    def hold(self, given: Any) -> Any:
        return given

    @listen(hold)
    def end(self, result: Any) -> str:
        return f"{result.output.pydantic.score} {result.output.tasks_output[0].pydantic.word}"


async def test_the_output_of_a_crew_comes_back_with_its_model(server: OpenAIServer) -> None:
    server.reply("do judge", '{"word": "fine", "score": 7}')
    outcome, journals = await run_parked(Structured, {"hold": ["approve"]})
    assert outcome.output == "7 fine"
    assert BODIES == ["judge"]
    assert journals[0].asked[0].draft.json == {"word": "fine", "score": 7}


class Tokens(BaseModel):
    id: str = "given"
    token: str = Field(default_factory=lambda: uuid.uuid4().hex)


class Began(Flow[Tokens]):
    @start()
    @human_feedback(message="?")
    def look(self) -> str:
        return str(self.state.token)

    @listen(look)
    async def use(self, result: Any) -> str:
        assert result.output == self.state.token
        return str((await one_task(f"use {self.state.token}").akickoff()).raw)

    @listen(use)
    @human_feedback(message="?")
    def again(self) -> str:
        return str(self.state.token)


async def test_a_flow_begins_as_it_began(server: OpenAIServer) -> None:
    outcome, journals = await run_parked(Began, {"look": ["approve"], "again": ["approve"]})
    assert len(server.requests) == 1, "the token of the first attempt is in every prompt"
    assert outcome.output == journals[0].asked[0].draft.text


class OnTheLoop(Flow[dict[str, Any]]):
    """An asynchronous method that asks on the loop, where nothing can wait."""

    @start()
    async def work(self) -> str:
        text = (await one_task("it").kickoff_async()).raw
        return f"{text} {self.ask('One?')} {self.ask('Two?')}"


async def test_an_asynchronous_method_may_ask_without_waiting(server: OpenAIServer) -> None:
    outcome, journals = await run_parked(OnTheLoop, {"ask": [("respond", "1"), ("respond", "2")]})
    assert outcome.output == "An answer. 1 2"
    assert len(server.requests) == 1
    assert len(journals) == 3


class Counted(Flow[dict[str, Any]]):
    @start()
    @human_feedback(message="?")
    def work(self) -> str:
        return str(SERVER and one_task("it").agents[0].llm.call("hello"))


async def test_what_a_method_cost_is_told_once_and_in_full(server: OpenAIServer) -> None:
    _, journals = await run_parked(Counted, {"work": ["approve"]})
    (done,) = [event for journal in journals for event in journal.events(TaskCompleted)]
    assert (done.usage.calls, done.usage.total_tokens) == (1, 18)
    assert sum(len(journal.events(LlmCompleted)) for journal in journals) == 1


async def test_what_did_not_come_to_its_end_is_begun_anew(server: OpenAIServer) -> None:
    """The worker dies in the middle of a body: whatever that did to the state is forgotten."""

    class Dies(Flow[dict[str, Any]]):
        @start()
        def one(self) -> None:
            BODIES.append("one")
            self.state["log"] = ["one"]

        @listen(one)
        async def two(self) -> str:
            BODIES.append("two")
            self.state["log"].append("two")
            if len(BODIES) == 2:
                await asyncio.Event().wait()
            return str(self.state["log"])

    execution, runnable = Execution(), adapted_flow(Dies)
    dying = asyncio.ensure_future(runnable.run(FakeJournal(of=execution)))
    await wait_until(lambda: len(BODIES) == 2, description="the second method runs")
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    outcome = await runnable.run(FakeJournal(of=execution))
    assert outcome.output == "['one', 'two']"
    assert BODIES == ["one", "two", "two"]


async def test_pausing_rests_behind_what_is_under_way(server: OpenAIServer) -> None:
    class Paused(Flow[dict[str, Any]]):
        @start()
        def one(self) -> str:
            BODIES.append("one")
            GATES["begun"].set()
            GATES["end"].wait(20)
            return "1"

        @listen(one)
        def two(self, one: str) -> str:
            BODIES.append("two")
            return f"{one}2"

    GATES.update(begun=threading.Event(), end=threading.Event())
    execution, runnable = Execution(), adapted_flow(Paused)
    journal = FakeJournal(of=execution)
    running = asyncio.ensure_future(runnable.run(journal))
    await wait_until(GATES["begun"].is_set, description="the first method runs")
    journal.suspending = True
    GATES["end"].set()
    with pytest.raises(Suspended):
        await running
    assert (await runnable.run(FakeJournal(of=execution))).output == "12"
    assert BODIES == ["one", "two"]
