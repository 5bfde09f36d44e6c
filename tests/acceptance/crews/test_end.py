"""How an execution ends: at once, as a whole, in silence, leaving nothing behind."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from protocol.events import TaskCompleted
from server.crews import prepare_process, silence
from server.runnable import Stopped
from tests.support.crews import Crew, adapted, agent, task, threads_at_work, tool
from tests.support.journal import FakeJournal, note_end
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.processes import ROOT
from tests.support.waiting import wait_until


def watched(server: OpenAIServer, alive: "weakref.WeakSet[Crew]") -> Callable[[], Crew]:
    def build() -> Crew:
        pair = [agent(server, "Left"), agent(server, "Right")]
        tasks = [task("one", pair[0], async_execution=True), task("two", pair[1], async_execution=True)]
        crew = Crew(agents=pair, tasks=[*tasks, task("three", pair[0])])
        alive.add(crew)
        return crew

    return build


async def test_nothing_of_an_execution_stays_alive(server: OpenAIServer) -> None:
    alive: weakref.WeakSet[Crew] = weakref.WeakSet()
    runnable = adapted(watched(server, alive))
    await runnable.run(FakeJournal())
    with pytest.raises(Stopped):
        await runnable.run(FakeJournal(checkpoints=["after:two"], answers={"after:two": ["stop"]}))
    with anyio.move_on_after(0):
        await runnable.run(FakeJournal())

    def all_gone() -> bool:
        gc.collect()
        return len(alive) == 0

    await wait_until(all_gone, description="no crew is referenced", timeout=40)


async def test_a_cancelled_execution_says_nothing_more(server: OpenAIServer) -> None:
    hold = threading.Event()
    server.reply("do one", Reply("Too late.", hold=hold))
    journal = FakeJournal(checkpoints=["after:two"])
    async with anyio.create_task_group() as group:
        group.start_soon(adapted(watched(server, weakref.WeakSet())).run, journal)
        await wait_until(lambda: len(journal.open) == 1, description="the gate of two")
        await wait_until(lambda: len(server.prompts("do one")) == 1, description="the model is asked for one")
        group.cancel_scope.cancel()
    told = list(journal.told)
    assert journal.events(TaskCompleted) == []
    hold.set()
    await wait_until(lambda: not threads_at_work(), description="the model's thread is done")
    assert journal.told == told


async def test_a_tool_that_outlives_a_stop_is_not_told(server: OpenAIServer) -> None:
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    @tool("dig")
    def dig(where: str) -> str:
        """Dig."""
        entered.set()
        leave.wait(20)
        left.set()
        return "gold"

    def build() -> Crew:
        pair = [agent(server, "Left", tools=[dig]), agent(server, "Right")]
        tasks = [task("one", pair[0], async_execution=True), task("two", pair[1], async_execution=True)]
        return Crew(agents=pair, tasks=[*tasks, task("three", pair[1])])

    server.reply("do one", Reply(calls=[Call("dig", {"where": "here"})]))
    journal = FakeJournal(checkpoints=["after:two"])
    ended: list[Stopped] = []
    async with anyio.create_task_group() as group:
        group.start_soon(note_end, adapted(build), journal, Stopped, ended)
        await wait_until(lambda: len(journal.open) == 1 and entered.is_set(), description="gate open, tool at work")
        journal.decide("after:two", "stop")
        await wait_until(lambda: len(ended) == 1, description="the crew has stopped")
    told = list(journal.told)
    leave.set()
    await wait_until(left.is_set, description="the tool is done")
    assert journal.told == told


SCRIPT = """
import asyncio, socket, sys
from pathlib import Path
from server.crews import load, prepare_process
assert "crewai" not in sys.modules
from tests.support.journal import FakeJournal
outside = []
real, lookup = socket.socket.connect, socket.getaddrinfo
def connect(self, address):
    if address[:2] != ("127.0.0.1", {port}):
        outside.append(address)
    return real(self, address)
def resolve(host, *rest, **more):
    if host != "127.0.0.1":
        outside.append(host)
    return lookup(host, *rest, **more)
socket.socket.connect, socket.getaddrinfo = connect, resolve
async def main():
    prepare_process(4)
    crews = load({{"loud": "loud_crew:build"}}, Path("."))
    journal = FakeJournal(checkpoints=["after:one"], answers={{"after:one": [("revise", "More"), "stop"]}})
    try:
        await crews["loud"].run(journal)
    except BaseException as end:
        assert type(end).__name__ == "Stopped", repr(end)
    done = FakeJournal()
    await crews["loud"].run(done)
    assert done.types()[-1] == "task.completed"
asyncio.run(main())
assert not outside, outside
"""

LOUD = """
from crewai import LLM, Agent, Crew, Task
def build():
    llm = LLM(model="openai/gpt-4o-mini", base_url="{url}", api_key="sk-test-0123456789")
    agent = Agent(role="Loud", goal="Shout", backstory="Loud.", llm=llm, verbose=True)
    tasks = [Task(name=name, description="do " + name, expected_output="x", agent=agent) for name in ("one", "two")]
    return Crew(agents=[agent], tasks=tasks, verbose=True, tracing=True, share_crew=True, stream=True)
"""


def test_a_loud_crew_prints_nothing_and_calls_only_its_model(server: OpenAIServer, tmp_path: Path) -> None:
    (tmp_path / "loud_crew.py").write_text(LOUD.format(url=server.url))
    environment = {"PYTHONPATH": f"{ROOT}", "HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(port=server.port)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(server.requests) == 4
    assert [path.name for path in tmp_path.rglob("*") if path.suffix in {".db", ".json"}] == []


async def test_as_many_threads_work_at_once_as_were_asked_for() -> None:
    silence()
    prepare_process(7)
    together = threading.Barrier(7)
    async with anyio.create_task_group() as group:
        for _ in range(7):
            group.start_soon(asyncio.to_thread, together.wait, 20)
    prepare_process(7)  # again, as a second worker of the process would
    assert not together.broken
