"""Crews of every kind ask their models what they would ask without us, and answer the same."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.crews import Crew, adapted, agent, delegate, managed, model, single, task, tool
from tests.support.journal import FakeJournal
from tests.support.openai_server import Call, OpenAIServer, Reply

# isort: split

from crewai.crews.crew_output import CrewOutput
from crewai.llms.providers.openai.completion import OpenAICompletion


class Tea(BaseModel):
    """A tea."""

    name: str


@tool("search")
def search(query: str) -> str:
    """Search the shelf."""
    return f"found {query}"


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
