"""Methods beside each other: each is done once, and none undoes what another did."""

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest

from protocol.events import CheckpointWithdrawn, TaskCompleted, TaskSkipped
from server.runnable import CrewFailed
from tests.support.flow_notes import BODIES, GATES, one_task
from tests.support.flows import Flow, adapted_flow, and_, human_feedback, listen, or_, run_flow, run_parked, start
from tests.support.journal import FakeJournal
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import wait_until


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
        self.state["log"].append(one_task("works").kickoff().raw)

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


class Impatient(Flow[dict[str, Any]]):
    """A person is asked, a crew works, and another finds the answer: by then nobody need say, or do, anything more."""

    @start()
    def go(self) -> None:
        return None

    @listen(go)
    def asks(self) -> str:
        return str(self.ask("What is it?"))

    @listen(go)
    def thinks(self) -> str:
        return str(one_task("thinks").kickoff().raw)

    @listen(go)
    async def finds(self) -> str:
        await wait_until(lambda: GATES["found"].is_set(), description="it is found", timeout=20)
        return "found"

    @listen(or_(asks, thinks, finds))
    def end(self, given: str) -> str:
        return f"{given} it"


async def test_whoever_loses_asks_and_does_nothing_more(server: OpenAIServer) -> None:
    GATES.update(found=threading.Event(), thought=threading.Event())
    server.reply("do thinks", Reply("thought", hold=GATES["thought"]))
    journal = FakeJournal()
    running = asyncio.ensure_future(adapted_flow(Impatient).run(journal))
    await wait_until(lambda: bool(journal.open and server.requests), description="both are at work")
    GATES["found"].set()
    await wait_until(lambda: bool(journal.events(CheckpointWithdrawn)), description="nobody is asked any longer")
    GATES["thought"].set()
    assert (await running).output == "found it"
    skipped = [(event.task, event.message) for event in journal.events(TaskSkipped)]
    assert sorted(skipped) == [
        ("asks", "finds was there first."), ("thinks", "finds was there first."),
        ("thinks/thinks", "It was given up."),
    ]  # fmt: skip
    assert len(server.requests) == 1


class OneOfTwo(Flow[dict[str, Any]]):
    @start()
    def go(self) -> None:
        return None

    @listen(go)
    async def first(self) -> str:
        raise ValueError("the first source is down")

    @listen(go)
    async def second(self) -> str:
        if self.state.get("both"):
            raise ValueError("and so is the second")
        return "second"

    @listen(or_(first, second))
    def use(self, given: str) -> str:
        return f"used {given}"


async def test_of_methods_that_race_one_may_fail(server: OpenAIServer) -> None:
    assert (await run_flow(OneOfTwo))[0].output == "used second"


async def test_methods_that_race_and_all_fail_fail_the_flow(server: OpenAIServer) -> None:
    with pytest.raises(CrewFailed) as failed:
        await run_flow(OneOfTwo, inputs={"both": True})
    assert failed.value.task in ("first", "second")


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


class Topical(Flow[dict[str, Any]]):
    @start()
    @human_feedback(message="?")
    def show(self) -> str:
        return str(self.state["topic"])

    @listen(show)
    def end(self, result: Any) -> str:
        return f"{result.output} {result.feedback}"


async def test_ten_flows_at_once_keep_apart(server: OpenAIServer) -> None:
    async def one(number: int) -> str:
        topic = f"topic{number}"
        return (await run_parked(Topical, {"show": [("respond", topic)]}, inputs={"topic": topic}))[0].output

    assert await asyncio.gather(*map(one, range(10))) == [f"topic{number} topic{number}" for number in range(10)]
