"""Crews in flows: done once, told as tasks, and held where people want them held."""

import gc
import weakref
from typing import Any

import pytest

from protocol.events import TaskCompleted, TaskStarted
from server.runnable import CrewFailed, Suspended
from tests.support.crews import tool
from tests.support.flow_notes import SENT, one_task
from tests.support.flows import Flow, adapted_flow, human_feedback, listen, run_flow, run_parked, start
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.waiting import wait_until


@tool("post")
def post(text: str) -> str:
    """Post a text."""
    SENT.append(text)
    return f"posted {text}"


def crew(name: str, **settings: Any) -> Any:
    return one_task(name, tools=[post], **settings)


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


class Greeting(Flow[dict[str, Any]]):
    @start()
    def greet(self) -> str:
        return "hello"


async def test_nothing_of_an_unwound_flow_stays_alive(server: OpenAIServer) -> None:
    alive: weakref.WeakSet[Any] = weakref.WeakSet()

    def build() -> Flow[Any]:
        made = Crews()
        alive.add(made)
        return made

    script(server)
    await run_flow(Greeting)  # the first of a process imports lancedb, whose loop keeps the context it is made in
    alive.clear()
    runnable, execution = adapted_flow(build), Execution()
    with pytest.raises(Suspended):
        await runnable.run(FakeJournal(of=execution, parked=True))

    def gone() -> bool:
        gc.collect()
        return len(alive) == 0

    await wait_until(gone, description="no flow is referenced", timeout=40)
