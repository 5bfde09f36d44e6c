"""What a running crew tells: tasks, agents, models, tools, tokens, and text as it is written."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from protocol.events import LlmCompleted, LlmStarted, TaskCompleted, ToolCompleted, ToolFailed, ToolStarted
from protocol.objects import Usage
from server.runnable import CrewFailed
from tests.support.crews import Crew, Process, adapted, agent, model, task, tool
from tests.support.journal import FakeJournal, Piece
from tests.support.openai_server import Call, OpenAIServer, Reply, Tokens


@tool("search")
def search(query: str) -> str:
    """Search the shelf."""
    if query == "storm":
        raise OSError("the shelf fell over")
    return f"found {query}" if query != "much" else "é" * 5000


def single(server: OpenAIServer, *tools: Any, **settings: Any) -> Callable[[], Crew]:
    def build() -> Crew:
        writer = agent(server, tools=list(tools), **settings)
        return Crew(agents=[writer], tasks=[task("it", writer)])

    return build


async def told(build: Callable[[], Crew], **more: Any) -> FakeJournal:
    journal = FakeJournal(**more)
    await adapted(build).run(journal)
    return journal


async def test_events_come_in_order_around_the_text(server: OpenAIServer) -> None:
    server.reply("do it", Reply("One two three.", tokens=Tokens(prompt=5, completion=3)))
    journal = await told(single(server))
    assert journal.types() == [
        "task.started",
        "agent.started",
        "llm.started",
        "llm.completed",
        "agent.completed",
        "task.completed",
    ]
    call = journal.events(LlmStarted)[0].call
    kinds = [type(item) for item in journal.told]
    assert kinds.index(LlmStarted) < kinds.index(Piece)
    assert kinds[kinds.index(Piece) :].index(LlmCompleted) == len(journal.pieces)
    assert journal.pieces == [Piece(call, text, "it", "Writer") for text in ("One ", "two ", "three.")]


async def test_usage_arrives_though_the_text_streams(server: OpenAIServer) -> None:
    server.reply("do it", Reply("One two.", tokens=Tokens(prompt=5, completion=3)))
    journal = await told(single(server))
    assert server.requests[0].body["stream_options"] == {"include_usage": True}
    (call,) = journal.events(LlmCompleted)
    usage = Usage(prompt_tokens=5, completion_tokens=3, total_tokens=8, calls=1)
    assert (call.usage, call.model, call.task, call.agent) == (usage, "gpt-4o-mini", "it", "Writer")
    assert journal.events(TaskCompleted)[0].usage == usage


async def test_a_model_that_must_not_stream_does_not(server: OpenAIServer) -> None:
    journal = await told(single(server, llm=model(server, stream=False)))
    assert "stream" not in server.requests[0].body
    assert (journal.pieces, journal.events(TaskCompleted)[0].output) == ([], "An answer.")


async def test_a_model_that_executions_share_is_left_as_it_was(server: OpenAIServer) -> None:
    shared = model(server)
    journal = await told(single(server, llm=shared))
    assert journal.pieces
    assert shared.stream is False
    assert shared.call("outside") == "An answer."
    assert "stream" not in server.requests[-1].body


async def test_tools_are_told_while_the_model_streams_its_calls(server: OpenAIServer) -> None:
    calls = [Call("search", {"query": "tea"}), Call("search", {"query": "storm"}), Call("search", {"query": "much"})]
    server.reply("do it", Reply(calls=calls), "Done.")
    journal = await told(single(server, search))
    started = journal.events(ToolStarted)
    assert {(event.tool, event.arguments["query"], event.task, event.agent) for event in started} == {
        ("search", query, "it", "Writer") for query in ("tea", "storm", "much")
    }
    asked = {event.call: event.arguments["query"] for event in started}
    done = {asked[event.call]: event for event in journal.events(ToolCompleted)}
    assert (done["tea"].result, done["tea"].truncated) == ("found tea", False)
    assert (done["much"].result, done["much"].truncated) == ("é" * 4096, True)
    (failed,) = journal.events(ToolFailed)
    assert (asked[failed.call], failed.result) == ("storm", "the shelf fell over")
    assert "found tea" in server.prompts()[1]
    assert [event.usage.total_tokens for event in journal.events(LlmCompleted) if event.usage] == [18, 18]
    assert all(piece.text in "Done." for piece in journal.pieces)


async def test_tools_are_told_where_the_model_knows_no_calls(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = model(server)
    monkeypatch.setattr(type(llm), "supports_function_calling", lambda self: False)
    action = 'Thought: look\nAction: search\nAction Input: {"query": "tea"}\n'
    server.reply("do it", action, "Thought: done\nFinal Answer: Tea.")
    journal = await told(single(server, search, llm=llm))
    assert [(event.tool, event.arguments) for event in journal.events(ToolStarted)] == [("search", {"query": "tea"})]
    assert [event.result for event in journal.events(ToolCompleted)] == ["found tea"]
    assert journal.events(TaskCompleted)[0].output == "Tea."


async def test_a_delegates_work_belongs_to_the_task(server: OpenAIServer) -> None:
    def build() -> Crew:
        return Crew(
            agents=[agent(server, "Critic")],
            tasks=[task("it", None)],
            process=Process.hierarchical,
            manager_llm=model(server),
        )

    asked = {"task": "judge the tea", "context": "It is green.", "coworker": "Critic"}
    server.reply("do it", Reply(calls=[Call("delegate_work_to_coworker", asked)]), "It is good.")
    server.reply("judge the tea", "Good.")
    journal = await told(build)
    assert {(event.task, event.agent) for event in journal.events(LlmStarted)} == {
        ("it", "Crew Manager"),
        ("it", "Critic"),
    }
    assert [event.result for event in journal.events(ToolCompleted)] == ["Good."]
    assert journal.events(TaskCompleted)[0].usage.calls == 3


async def test_a_planning_crew_plans_once(server: OpenAIServer) -> None:
    plan = '{"list_of_plans_per_task": [{"task_number": 1, "task": "it", "plan": " PLANNED"}]}'
    server.reply("plan", plan)
    server.reply("PLANNED", "Done.")

    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer)], planning=True, planning_llm=model(server))

    journal = await told(build)
    assert journal.events(TaskCompleted)[0].output == "Done."
    assert len(server.requests) == 2
    assert "plan" in journal.recorded


async def test_a_failed_model_fails_the_task_with_a_readable_message(server: OpenAIServer) -> None:
    secret = "sk-live-0123456789abcdef"
    server.reply("do it", Reply(f"Incorrect API key provided: {secret}.", status=401))
    journal = FakeJournal()
    with pytest.raises(CrewFailed) as failed:
        await adapted(single(server)).run(journal)
    assert (failed.value.code, failed.value.task) == ("model_error", "it")
    assert "Incorrect API key provided: ***" in failed.value.message
    assert secret not in failed.value.message
    assert "Traceback" not in failed.value.message
    assert failed.value.__cause__ is not None
    assert journal.types()[-1] == "task.failed"
    assert journal.events(LlmCompleted)[0].usage is None


async def test_a_failed_task_says_which_and_why(server: OpenAIServer) -> None:
    def build() -> Crew:
        writer = agent(server)
        strict = task("it", writer, guardrail=lambda output: (False, "too short"), guardrail_max_retries=0)
        return Crew(agents=[writer], tasks=[strict])

    with pytest.raises(CrewFailed, match="too short") as failed:
        await told(build)
    assert (failed.value.code, failed.value.task) == ("task_failed", "it")


async def test_a_failure_outside_any_task_fails_the_crew(server: OpenAIServer) -> None:
    def refuse(inputs: dict[str, Any]) -> dict[str, Any]:
        raise LookupError("no campaign of that name")

    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer)], before_kickoff_callbacks=[refuse])

    with pytest.raises(CrewFailed, match="no campaign of that name") as failed:
        await told(build)
    assert (failed.value.code, failed.value.task) == ("crew_failed", None)


@pytest.mark.parametrize("count", [10])
async def test_executions_at_once_do_not_mix(server: OpenAIServer, count: int) -> None:
    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task(name, writer, description=name + " {who}!") for name in ("a", "b")])

    server.script(lambda prompt: "text of " + " ".join(re.findall(r"[ab] who\d+!|edit \d+", prompt)))
    journals = [
        FakeJournal(inputs={"who": f"who{n}"}, checkpoints=["after:a"], answers={"after:a": [("edit", f"edit {n}")]})
        for n in range(count)
    ]
    runnable = adapted(build)
    async with anyio.create_task_group() as group:
        for journal in journals:
            group.start_soon(runnable.run, journal)
    for number, journal in enumerate(journals):
        assert journal.types() == [
            *("task.started", "agent.started", "llm.started", "llm.completed", "agent.completed", "task.completed"),
            *("task.started", "agent.started", "llm.started", "llm.completed", "agent.completed", "task.completed"),
        ]
        streams = [name for name, _ in itertools.groupby(piece.stream for piece in journal.pieces)]
        assert streams == [event.call for event in journal.events(LlmStarted)]
        assert len({piece.stream for piece in journal.pieces}) == 2
        assert [event.output for event in journal.events(TaskCompleted)] == [
            f"edit {number}",
            f"text of b who{number}! edit {number}",
        ]
        assert "".join(piece.text for piece in journal.pieces) == (
            f"text of a who{number}!text of b who{number}! edit {number}"
        )
