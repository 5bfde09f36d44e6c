"""What a flow is on a later attempt: what it was, whatever it keeps, and whatever runs beside what."""

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field

from protocol.events import LlmCompleted, TaskCompleted, TaskSkipped, TaskStarted
from server.runnable import Suspended
from tests.support.crews import CREWAI_WARNINGS, Crew, agent, task, tool
from tests.support.flows import (
    Flow,
    adapted_flow,
    and_,
    human_feedback,
    listen,
    or_,
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
GATES: dict[str, threading.Event] = {}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    BODIES.clear()
    SENT.clear()
    GATES.clear()


@pytest.fixture(autouse=True)
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        SERVER[:] = [running]
        yield running


class Verdict(BaseModel):
    word: str
    score: int


def crew(name: str, **settings: Any) -> Any:
    writer = agent(SERVER[0])
    return Crew(agents=[writer], tasks=[task(name, writer, **settings)])


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
        self.state["frame"].rows.append(crew("fill").kickoff().raw)
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
        return crew("judge", output_pydantic=Verdict).kickoff()

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
        return str((await crew(f"use {self.state.token}").akickoff()).raw)

    @listen(use)
    @human_feedback(message="?")
    def again(self) -> str:
        return str(self.state.token)


async def test_a_flow_begins_as_it_began(server: OpenAIServer) -> None:
    outcome, journals = await run_parked(Began, {"look": ["approve"], "again": ["approve"]})
    assert len(server.requests) == 1, "the token of the first attempt is in every prompt"
    assert outcome.output == journals[0].asked[0].draft.text


class Beside(Flow[dict[str, Any]]):
    """Two methods beside each other, which change the state, and what follows."""

    @start()
    def go(self) -> None:
        self.state["log"] = []

    @listen(go)
    async def left(self) -> str:
        BODIES.append("left")
        self.state["log"].append("left")
        await wait_until(lambda: "right" in BODIES, description="right has begun")
        return "L"

    @listen(go)
    async def right(self) -> str:
        BODIES.append("right")
        self.state["log"].append("right")
        await wait_until(lambda: "left" in BODIES, description="left has begun")
        return "R"

    @listen(left)
    @human_feedback(message="?")
    def after_left(self, given: str) -> str:
        BODIES.append("after")
        return f"{given} {sorted(self.state['log'])}"


async def test_methods_beside_each_other_are_run_once(server: OpenAIServer) -> None:
    outcome, _ = await run_parked(Beside, {"after_left": ["approve"]})
    assert sorted(BODIES) == ["after", "left", "right"]
    (judged,) = [output for output in outcome.tasks if output.task == "after_left"]
    assert "['left', 'right']" in judged.output


class Interrupted(Flow[dict[str, Any]]):
    """One method waits for a person in its middle, while another, beside it, changes the state and goes on.

    `early`: it has changed the state itself before it waits, so that what follows cannot be told apart.
    """

    @start()
    def go(self) -> None:
        self.state["log"] = []

    @listen(go)
    def waits(self) -> None:
        BODIES.append("waits")
        if self.state["early"]:
            self.state["log"].append("early")
        self.state["log"].append(str(self.ask("Who?")))

    @listen(go)
    def works(self) -> None:
        BODIES.append("works")
        self.state["log"].append(crew("works").kickoff().raw)

    @listen(works)
    def follows(self) -> None:
        BODIES.append("follows")
        self.state["log"].append("follows")

    @listen(and_(waits, follows))
    def end(self) -> str:
        return str(sorted(self.state["log"]))


@pytest.mark.parametrize("early", [False, True])
async def test_a_method_that_waits_beside_others_leaves_no_trace_twice(server: OpenAIServer, early: bool) -> None:
    server.reply("do works", "worked")
    outcome, journals = await run_parked(Interrupted, {"ask": [("respond", "Rara")]}, inputs={"early": early})
    (end,) = [output for output in outcome.tasks if output.task == "end"]
    assert end.output == str(sorted(["Rara", "follows", "worked", *["early"] * early]))
    assert len(server.requests) == 1
    assert Counter(BODIES) == {"waits": 2, "works": 1 + early, "follows": 1 + early}
    told = [event.task for journal in journals for event in journal.events(TaskCompleted)]
    assert sorted(told) == ["end", "follows", "go", "waits", "works", "works/works"]


class Inner(Flow[dict[str, Any]]):
    @start()
    def one(self) -> str:
        BODIES.append(f"one {self.state['who']}")
        if self.state["who"] == "slow":
            GATES["slow"].wait(20)
        return str(self.state["who"])

    @listen(one)
    def two(self, who: str) -> str:
        BODIES.append(f"two {who}")
        GATES[f"past {who}"].set()
        return f"{who} is done"


class Outer(Flow[dict[str, Any]]):
    """Two flows of one class side by side within a method; then a question."""

    @start()
    async def both(self) -> str:
        BODIES.append("both")
        made = [Inner().kickoff_async(inputs={"who": who}) for who in ("slow", "quick")]
        results = await asyncio.gather(*made)
        self.state["asked"] = self.state.get("asked", 0) + 1
        answer = await asyncio.to_thread(self.ask, "Well?")
        return f"{results} {answer}"


async def test_flows_within_a_flow_do_not_mix_their_work(server: OpenAIServer) -> None:
    GATES.update({name: threading.Event() for name in ("past slow", "past quick")})
    GATES["slow"] = GATES["past quick"]
    outcome, journals = await run_parked(Outer, {"ask": [("respond", "yes")]})
    assert outcome.output == "['slow is done', 'quick is done'] yes"
    assert sorted(BODIES) == sorted(["both", "both", "one slow", "one quick", "two slow", "two quick"])
    told = [event.task for journal in journals for event in journal.events(TaskStarted)]
    assert sorted(told) == ["both", "both/one", "both/one", "both/two", "both/two"]
    indexes = {event.index for journal in journals for event in journal.events(TaskStarted)}
    assert indexes == {0, 1, 2, 3, 4}


class Reused(Flow[dict[str, Any]]):
    """One crew object, kicked off in two methods, with inputs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        writer = agent(SERVER[0])
        self.crew: Any = Crew(agents=[writer], tasks=[task("it", writer, description="do it for {who}")])

    @start()
    def one(self) -> str:
        return str(self.crew.kickoff(inputs={"who": "Rara"}).raw)

    @listen(one)
    def two(self) -> str:
        first = self.crew.kickoff(inputs={"who": "Budi"}).raw
        return f"{first} {self.ask('Well?')}"


async def test_one_crew_in_two_methods_is_the_same_on_every_attempt(server: OpenAIServer) -> None:
    server.reply("for Rara", "to Rara")
    server.reply("for Budi", "to Budi")
    outcome, _ = await run_parked(Reused, {"ask": [("respond", "yes")]})
    assert outcome.output == "to Budi yes"
    assert len(server.requests) == 2


class ForEach(Flow[dict[str, Any]]):
    """Many crews at once, some of them with equal inputs."""

    @start()
    def many(self) -> str:
        made = crew("it", description="do it for {who}")
        results = made.kickoff_for_each(inputs=[{"who": who} for who in ("a", "b")])
        return " ".join(result.raw for result in results)

    @listen(many)
    async def more(self, before: str) -> str:
        made = [crew("it", description="do it for {who}").akickoff(inputs={"who": who}) for who in ("c", "c", "d")]
        results = await asyncio.gather(*made)
        answer = await asyncio.to_thread(self.ask, "Well?")
        return f"{before} {' '.join(result.raw for result in results)} {answer}"


async def test_many_crews_at_once_are_each_done_once(server: OpenAIServer) -> None:
    for who in "abcd":
        server.reply(f"for {who}", f"for-{who}")
    outcome, journals = await run_parked(ForEach, {"ask": [("respond", "yes")]})
    assert outcome.output == "for-a for-b for-c for-c for-d yes"
    assert len(server.requests) == 5
    indexes = [event.index for journal in journals for event in journal.events(TaskStarted)]
    assert sorted(indexes) == list(range(7)), "each task is a part of its own"


@tool("consult")
def consult(question: str) -> str:
    """Consult others."""
    SENT.append(question)
    return str(crew("expert").kickoff().raw)


class WithTool(Flow[dict[str, Any]]):
    @start()
    def work(self) -> str:
        writer = agent(SERVER[0], tools=[consult])
        made: Any = Crew(agents=[writer], tasks=[task("main", writer)])
        return f"{made.kickoff().raw} {self.ask('Well?')}"


async def test_a_crew_within_a_tool_within_a_crew_within_a_flow(server: OpenAIServer) -> None:
    server.reply("do main", Reply(calls=[Call("consult", {"question": "why"})]), "main is done")
    server.reply("do expert", "because")
    outcome, _ = await run_parked(WithTool, {"ask": [("respond", "yes")]})
    assert outcome.output == "main is done yes"
    assert SENT == ["why"]
    assert len(server.requests) == 3


class OnTheLoop(Flow[dict[str, Any]]):
    """An asynchronous method that asks on the loop, where nothing can wait."""

    @start()
    async def work(self) -> str:
        text = (await crew("it").kickoff_async()).raw
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
        return str(SERVER and crew("it").agents[0].llm.call("hello"))


async def test_what_a_method_cost_is_told_once_and_in_full(server: OpenAIServer) -> None:
    _, journals = await run_parked(Counted, {"work": ["approve"]})
    (done,) = [event for journal in journals for event in journal.events(TaskCompleted)]
    assert (done.usage.calls, done.usage.total_tokens) == (1, 18)
    assert sum(len(journal.events(LlmCompleted)) for journal in journals) == 1


class Raced(Flow[dict[str, Any]]):
    """Two sources race; what follows the first asks a person, and is not cut off when the second ends."""

    @start()
    def go(self) -> None:
        return None

    @listen(go)
    async def quick(self) -> str:
        BODIES.append("quick")
        return "quick"

    @listen(go)
    async def slow(self) -> str:
        BODIES.append("slow")
        await wait_until(lambda: GATES["slow"].is_set(), description="the slow one may end", timeout=20)
        BODIES.append("slow has ended")
        return "slow"

    @listen(or_(quick, slow))
    @human_feedback(message="?")
    def handle(self, given: str) -> str:
        BODIES.append("handle")
        GATES["slow"].set()
        return given

    @listen(handle)
    def end(self, result: Any) -> str:
        return f"{result.output} {result.feedback}"


@pytest.mark.parametrize("parked", [False, True])
async def test_the_first_of_several_has_won_for_ever(server: OpenAIServer, parked: bool) -> None:
    GATES["slow"] = threading.Event()
    said: dict[str, Any] = {"handle": [("respond", "yes")]}
    if parked:
        outcome, journals = await run_parked(Raced, said)
    else:
        outcome, journal = await run_flow(Raced, said)
        journals = [journal]
    assert outcome.output == "quick yes"
    assert BODIES == ["quick", "slow", "handle"]
    skipped = [event for journal in journals for event in journal.events(TaskSkipped)]
    assert [(event.task, event.message) for event in skipped] == [("slow", "quick was there first.")]


class Busy(Flow[dict[str, Any]]):
    """One method asks a person while another, in code of its own, takes its time."""

    @start()
    def asks(self) -> str:
        return str(self.ask("Who?"))

    @start()
    def works(self) -> str:
        GATES["begun"].set()
        GATES["end"].wait(20)
        return "worked"


async def test_an_execution_is_not_idle_while_a_body_runs(server: OpenAIServer) -> None:
    GATES.update(begun=threading.Event(), end=threading.Event())
    journal = FakeJournal()
    running = asyncio.ensure_future(adapted_flow(Busy).run(journal))
    await wait_until(lambda: bool(journal.open) and GATES["begun"].is_set(), description="one asks, one works")
    assert journal.calls == 1
    GATES["end"].set()
    await wait_until(lambda: journal.calls == 0, description="only the question is left")
    journal.decide("ask", ("respond", "Rara"))
    await running
    assert journal.calls == 0


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
