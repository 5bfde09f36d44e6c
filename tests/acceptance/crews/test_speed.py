"""Crews that wait for their models together, and ask them what they would ask without us."""

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import anyio
import pytest
from pydantic import BaseModel

from protocol.events import TaskCompleted
from server.runnable import CrewFailed
from tests.support.crews import Crew, Process, adapted, agent, model, task, threads_at_work, tool
from tests.support.journal import FakeJournal
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

# isort: split

from crewai.crews.crew_output import CrewOutput
from crewai.hooks import register_before_llm_call_hook, unregister_before_llm_call_hook
from crewai.llms.base_llm import BaseLLM
from crewai.llms.providers.openai.completion import OpenAICompletion

from server.crews import speed

CREWS = 12


class Tea(BaseModel):
    """A tea."""

    name: str


@tool("search")
def search(query: str) -> str:
    """Search the shelf."""
    return f"found {query}"


def single(server: OpenAIServer, *tools: Any, of_task: dict[str, Any] | None = None, **settings: Any) -> Crew:
    writer = agent(server, tools=list(tools), **settings)
    return Crew(agents=[writer], tasks=[task("it", writer, **(of_task or {}))])


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


def delegate(server: OpenAIServer) -> None:
    """Have a manager delegate its task once."""
    asked = {"task": "judge the tea", "context": "It is green.", "coworker": "Critic"}
    server.reply("do it", Reply(calls=[Call("delegate_work_to_coworker", asked)]), "It is good.")
    server.reply("judge the tea", "Good.")


def managed(server: OpenAIServer) -> Crew:
    """Make a crew whose manager and agent share a model object."""
    shared = model(server)
    critic = agent(server, "Critic", llm=shared)
    return Crew(agents=[critic], tasks=[task("it", None)], process=Process.hierarchical, manager_llm=shared)


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


ACTION = 'Thought: look\nAction: search\nAction Input: {"query": "tea"}\n'


def plain(server: OpenAIServer) -> Crew:
    writer = agent(server)
    return Crew(agents=[writer], tasks=[task(name, writer) for name in ("it", "more")])


def native(server: OpenAIServer) -> Crew:
    server.reply("do it", Reply(calls=[Call("search", {"query": q}) for q in ("tea", "milk")]), "Done.")
    return single(server, search)


def last_word_of_a_tool(server: OpenAIServer) -> Crew:
    server.reply("do it", Reply(calls=[Call("search", {"query": "tea"})]), "Not asked for.")
    final = replace_answer(search)
    return single(server, final)


def replace_answer(original: Any) -> Any:
    return original.model_copy(update={"result_as_answer": True})


def reacting(server: OpenAIServer) -> Crew:
    server.reply("do it", ACTION, "Thought: done\nFinal Answer: Tea.")
    return single(server, search, llm=Textual.of(server))


def mended(server: OpenAIServer) -> Crew:
    server.reply("do it", "Thought: look\nAction: search\n", ACTION, "Thought: done\nFinal Answer: Tea.")
    return single(server, search, llm=Textual.of(server))


def exhausted(server: OpenAIServer) -> Crew:
    server.reply("do it", Reply(calls=[Call("search", {"query": "tea"})]))
    server.reply("final answer", Reply("Enough."))
    return single(server, search, max_iter=2)


def structured(server: OpenAIServer) -> Crew:
    server.reply("do it", '{"name": "Assam"}')
    return single(server, of_task={"output_pydantic": Tea})


def structured_stream(server: OpenAIServer) -> Crew:
    server.reply("do it", '{"name": "Assam"}')
    return single(server, llm=model(server, stream=True), of_task={"output_pydantic": Tea})


def structured_after_a_tool(server: OpenAIServer) -> Crew:
    server.reply("do it", Reply(calls=[Call("search", {"query": "tea"})]), '{"name": "Assam"}')
    return single(server, search, of_task={"output_pydantic": Tea})


def stopping(server: OpenAIServer) -> Crew:
    return single(server, llm=model(server, stop=["END"]), response_template="{{ .Response }}STOP")


def overflowing(server: OpenAIServer) -> Crew:
    too_long = Reply(status=400, text="This model's maximum context length is 100 tokens.")
    server.reply("do it", too_long, "Short.")
    return single(server)


def silent(server: OpenAIServer) -> Crew:
    return single(server, llm=model(server, stream=False))


def delegating(server: OpenAIServer) -> Crew:
    delegate(server)
    return managed(server)


def side_by_side(server: OpenAIServer) -> Crew:
    writers = [agent(server, f"Writer {n}") for n in range(2)]
    tasks = [task(f"part {n}", writer, async_execution=True) for n, writer in enumerate(writers)]
    return Crew(agents=writers, tasks=[*tasks, task("it", writers[0], context=tasks)])


class Textual(OpenAICompletion):
    """A model that knows no calls of tools."""

    @classmethod
    def of(cls, server: OpenAIServer) -> "Textual":
        return cls(model="gpt-4o-mini", base_url=server.url, api_key="sk-test-0123456789")

    def supports_function_calling(self) -> bool:
        return False


@pytest.mark.parametrize(
    "build",
    [
        plain, native, last_word_of_a_tool, reacting, mended, exhausted, structured, structured_stream,
        structured_after_a_tool, stopping, overflowing, silent, delegating, side_by_side,
    ],
)  # fmt: skip
async def test_a_crew_asks_and_answers_as_it_does_without_us(build: Callable[[OpenAIServer], Crew]) -> None:
    with OpenAIServer() as theirs, OpenAIServer() as ours:
        bare = await build(theirs).akickoff()
        assert isinstance(bare, CrewOutput)
        crew = build(ours)
        outcome = await adapted(lambda: crew).run(FakeJournal())
        assert outcome.output == bare.raw
        assert outcome.output_json == (bare.pydantic.model_dump() if bare.pydantic else None)
        assert sorted(map(asked, ours.requests), key=str) == sorted(map(asked, theirs.requests), key=str)


def asked(request: Any) -> Any:
    """Give what was asked for, but for whether it streams, and with ids that chance has made taken out."""
    body = {name: value for name, value in request.body.items() if name not in ("stream", "stream_options")}
    return re.sub(r"call_\d+_\d+", "call", repr(body))
