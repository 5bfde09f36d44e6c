"""Crews that wait for their models together, without a thread each, and stop waiting when they are told to."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import anyio
import pytest

from protocol.events import TaskCompleted
from server.runnable import CrewFailed
from tests.support.crews import adapted, delegate, managed, single, threads_at_work
from tests.support.journal import FakeJournal
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

# isort: split

from crewai.hooks import register_before_llm_call_hook, unregister_before_llm_call_hook
from crewai.llms.base_llm import BaseLLM
from crewai.llms.providers.openai.completion import OpenAICompletion

from server.crews import speed

CREWS = 12


async def test_crews_wait_for_their_models_without_a_thread_each(server: OpenAIServer) -> None:
    hold = threading.Event()
    server.reply("do it", Reply("Late.", hold=hold))
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    crew, journals = adapted(lambda: single(server)), [FakeJournal() for _ in range(CREWS)]
    async with anyio.create_task_group() as group:
        for journal in journals:
            group.start_soon(crew.run, journal)
        await wait_until(lambda: len(server.requests) == CREWS, description="all have asked")
        assert not threads_at_work()
        hold.set()
    assert {journal.events(TaskCompleted)[0].output for journal in journals} == {"Late."}


async def test_a_cancelled_crew_leaves_no_call_behind(server: OpenAIServer) -> None:
    server.reply("do it", Reply("Late.", hold=threading.Event()))
    async with anyio.create_task_group() as group:
        group.start_soon(adapted(lambda: single(server)).run, FakeJournal())
        await wait_until(lambda: len(server.requests) == 1, description="it has asked")
        group.cancel_scope.cancel()
    assert not threads_at_work()


async def test_a_time_limit_ends_a_call(server: OpenAIServer) -> None:
    server.reply("do it", Reply("Late.", hold=threading.Event()))
    with pytest.raises(CrewFailed, match="timed out after 1 seconds"):
        await adapted(lambda: single(server, max_execution_time=1)).run(FakeJournal())
    assert not threads_at_work()


async def test_text_streams_as_it_is_written(server: OpenAIServer) -> None:
    server.reply("do it", "One two three.")
    journal = FakeJournal()
    await adapted(lambda: single(server)).run(journal)
    assert [piece.text for piece in journal.pieces] == ["One ", "two ", "three."]


async def test_a_client_serves_one_loop_though_delegates_have_their_own(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    original = OpenAICompletion._get_async_client

    def client(self: OpenAICompletion) -> Any:
        loops.append(asyncio.get_running_loop())
        return original(self)

    monkeypatch.setattr(OpenAICompletion, "_get_async_client", client)
    delegate(server)
    await adapted(lambda: managed(server)).run(FakeJournal())
    assert server.prompts("judge the tea")
    assert loops
    assert set(loops) == {asyncio.get_running_loop()}


class Slow(BaseLLM):
    """A user's model whose `acall` is none: it would stop everybody."""

    asked_in: ClassVar[list[int]] = []

    def call(self, *args: Any, **kwargs: Any) -> str:
        self.asked_in.append(threading.get_ident())
        return "An answer."

    async def acall(self, *args: Any, **kwargs: Any) -> str:
        return self.call(*args, **kwargs)


async def test_what_a_user_wrote_runs_in_a_thread(server: OpenAIServer) -> None:
    threads: list[int] = []

    def note(*_: Any) -> None:
        threads.append(threading.get_ident())

    slow = Slow(model="slow")
    await adapted(lambda: single(server, llm=slow)).run(FakeJournal())
    await adapted(lambda: single(server, step_callback=note)).run(FakeJournal())
    register_before_llm_call_hook(note)
    try:
        await adapted(lambda: single(server)).run(FakeJournal())
    finally:
        unregister_before_llm_call_hook(note)
    assert len(slow.asked_in) == 1
    assert threads
    assert threading.get_ident() not in (*threads, *slow.asked_in)


ELSEWHERE = """
import asyncio, sys
from server.crews import prepare_process
from tests.support.crews import LLM, Agent, Crew, Task, adapted
from tests.support.journal import FakeJournal
from server.crews import speed
speed.contract.digest = lambda path: None
def build():
    llm = LLM(model="openai/gpt-4o-mini", base_url=sys.argv[1], api_key="sk-test-0123456789")
    writer = Agent(role="Writer", goal="Write", backstory="Writes.", llm=llm)
    return Crew(agents=[writer], tasks=[Task(description="do it", expected_output="x", agent=writer)])
async def main():
    prepare_process(12)
    assert not speed.install()
    crew = adapted(build)
    await asyncio.gather(*[crew.run(FakeJournal()) for _ in range(12)])
asyncio.run(main())
"""


def test_another_crewai_runs_its_own_way_in_as_many_threads(server: OpenAIServer) -> None:
    hold = threading.Event()
    server.reply("do it", Reply("Late.", hold=hold))
    command = [sys.executable, "-W", "ignore", "-c", ELSEWHERE, server.url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        while len(server.requests) < CREWS and process.poll() is None:
            hold.wait(0.01)
        hold.set()
        said, _ = process.communicate()
        deadline.cancel()
    assert (process.returncode, len(server.requests)) == (0, CREWS), said
    assert said.count("crews run without one of Quarterdeck's accelerations") == len(speed.CUTS)
