"""Checkpoints of tasks that run side by side: several are open at once, and what ends at one ends the others."""

import threading
from collections.abc import Callable

import anyio

from protocol.events import AgentStarted, LlmStarted, TaskCompleted, TaskFailed, TaskStarted
from server.runnable import CrewFailed, Stopped
from tests.support.crews import Crew, adapted, agent, task
from tests.support.journal import FakeJournal, note_end
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import wait_until


def parallel(server: OpenAIServer, last: bool = True) -> Callable[[], Crew]:
    def build() -> Crew:
        pair = [agent(server, "Left"), agent(server, "Right")]
        tasks = [task("left", pair[0], async_execution=True), task("right", pair[1], async_execution=True)]
        joined = task("join", agent(server, "Joiner"), context=list(tasks))
        return Crew(agents=pair, tasks=[*tasks, joined] if last else tasks)

    return build


async def test_several_gates_are_open_at_once(server: OpenAIServer) -> None:
    server.reply("do left", "Left one.", "Left two.")
    server.reply("do right", "Right one.")
    journal = FakeJournal(checkpoints=["after:left", "after:right"])
    async with anyio.create_task_group() as group:
        group.start_soon(adapted(parallel(server)).run, journal)
        await wait_until(lambda: len(journal.open) == 2, description="both gates open")
        journal.decide("after:right", ("edit", "Right mine."))
        journal.decide("after:left", ("revise", "Again"))
        await wait_until(lambda: [q.version for q in journal.open] == [2], description="the second draft of left")
        journal.decide("after:left", "approve")
    joined = server.prompts("do join")[0]
    assert "Left two." in joined
    assert "Right mine." in joined
    assert {event.agent for event in journal.events(AgentStarted)} == {"Left", "Right", "Joiner"}
    by_task = {(event.task, event.agent) for event in journal.events(LlmStarted)}
    assert by_task == {("left", "Left"), ("right", "Right"), ("join", "Joiner")}


async def test_an_agent_does_one_thing_at_a_time(server: OpenAIServer) -> None:
    """crewai would fail: one agent for two tasks at once, and a revision while it is busy with another task."""

    def build() -> Crew:
        writer = agent(server)
        pair = [task(name, writer, async_execution=True) for name in ("one", "two")]
        return Crew(agents=[writer], tasks=[*pair, task("join", writer, context=list(pair))])

    hold = threading.Event()
    server.reply("do one", "One.", "Better.")
    server.reply("do two", Reply("Two.", hold=hold))
    journal = FakeJournal(checkpoints=["after:one"])
    async with anyio.create_task_group() as group:
        group.start_soon(adapted(build).run, journal)
        await wait_until(lambda: len(journal.open) == 1, description="the gate of one")
        await wait_until(lambda: len(server.prompts("do two")) == 1, description="the agent is busy with two")
        journal.decide("after:one", ("revise", "Better"))
        await wait_until(lambda: len(journal.events(TaskStarted)) == 3, description="the second round of one")
        hold.set()
        await wait_until(lambda: len(journal.open) == 1, description="the second draft of one")
        journal.decide("after:one", "approve")
    assert "Better." in server.prompts("do join")[0]


async def test_a_stop_at_one_gate_closes_the_others(server: OpenAIServer) -> None:
    journal = FakeJournal(checkpoints=["after:left", "after:right"])
    ended: list[Stopped] = []
    async with anyio.create_task_group() as group:
        group.start_soon(note_end, adapted(parallel(server)), journal, Stopped, ended)
        await wait_until(lambda: len(journal.open) == 2, description="both gates open")
        journal.decide("after:right", "stop")  # crewai itself waits for left first
    assert [str(error) for error in ended] == ["stopped at cp_t1/after/after:right"]
    assert journal.open == []
    assert journal.events(TaskCompleted) == []


async def test_a_failure_beside_an_open_gate_ends_the_crew(server: OpenAIServer) -> None:
    hold = threading.Event()
    server.reply("do right", Reply("no such key", status=401, hold=hold))
    journal = FakeJournal(checkpoints=["after:left"])
    ended: list[CrewFailed] = []
    async with anyio.create_task_group() as group:
        group.start_soon(note_end, adapted(parallel(server)), journal, CrewFailed, ended)
        await wait_until(lambda: len(journal.open) == 1, description="the gate of left")
        hold.set()
    assert [(failed.code, failed.task) for failed in ended] == [("model_error", "right")]
    assert [event.task for event in journal.events(TaskFailed)] == ["right"]
