"""Crews and flows within flows: as many as one likes, each a part of its own, each done once."""

import asyncio
import threading
from typing import Any

import pytest

from protocol.events import TaskFailed, TaskStarted
from server.runnable import CrewFailed
from tests.support.crews import Crew, agent, task, tool
from tests.support.flow_notes import BODIES, GATES, SENT, SERVER, one_task
from tests.support.flows import Flow, adapted_flow, human_feedback, listen, run_parked, start
from tests.support.journal import FakeJournal
from tests.support.openai_server import Call, OpenAIServer, Reply


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
        made = one_task("it", description="do it for {who}")
        results = made.kickoff_for_each(inputs=[{"who": who} for who in ("a", "b")])
        return " ".join(result.raw for result in results)

    @listen(many)
    async def more(self, before: str) -> str:
        made = [one_task("it", description="do it for {who}").akickoff(inputs={"who": who}) for who in ("c", "c", "d")]
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
    return str(one_task("expert").kickoff().raw)


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


class Handles(Flow[dict[str, Any]]):
    """Its author expects that a crew may fail."""

    @start()
    def work(self) -> str:
        try:
            return str(one_task("breaks").kickoff().raw)
        except Exception:
            return str(one_task("instead").kickoff().raw)

    @listen(work)
    @human_feedback(message="?")
    def show(self, text: str) -> str:
        return text


async def test_a_failure_that_the_author_handles_fails_nothing(server: OpenAIServer) -> None:
    server.reply("do breaks", Reply(status=400, text="no such model"))
    server.reply("do instead", "instead of it")
    outcome, journals = await run_parked(Handles, {"show": ["approve"]})
    assert outcome.output == "instead of it"
    assert [event.task for journal in journals for event in journal.events(TaskFailed)] == ["work/breaks"]
    assert len(server.prompts("do instead")) == 1


class Breaks(Flow[dict[str, Any]]):
    @start()
    async def work(self) -> str:
        return str((await one_task("breaks").akickoff()).raw)


async def test_a_failure_that_nobody_handles_is_told_where_it_was(server: OpenAIServer) -> None:
    server.reply("do breaks", Reply(status=401, text="the key sk-abcdefghijkl is wrong"))
    journal = FakeJournal()
    with pytest.raises(CrewFailed) as failed:
        await adapted_flow(Breaks).run(journal)
    assert (failed.value.code, failed.value.task) == ("model_error", "work/breaks")
    assert "sk-abc" not in failed.value.message
    assert {event.task for event in journal.events(TaskFailed)} == {"work", "work/breaks"}
