"""The demo crew on real CrewAI and the offline model: no server, no network, nothing on the console."""

import asyncio
import os
import re
import socket
import warnings
from collections import Counter
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

for _name, _value in {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "OTEL_SDK_DISABLED": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_TESTING": "true",
}.items():
    os.environ.setdefault(_name, _value)  # read by CrewAI when it is first imported

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ImportWarning)  # crewai.rag refuses an attribute that the import system sets
    from crewai import Crew, CrewOutput
    from crewai.events.stream_context import add_stream_sink
    from crewai.hooks.dispatch import InterceptionPoint, register_scoped, scoped_hooks
    from crewai.llms.base_llm import BaseLLM

    from server.demo.crew import QUARTERDECK, ContentPlan
    from server.demo.model import MODEL_NAME, DemoModel
    from server.demo.provider import demo_model_in_use

# CrewAI reads fields of its own that it has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:crewai\..*")

INPUTS = {"user_input": "Ramadan campaign for a coffee brand, 3 creators", "output_language": "English"}
TASKS = ["content_plan", "sentiment_analysis", "trend_research", "strategy"]


@dataclass
class Run:
    outputs: dict[str, str]
    events: list[Any]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """No key, no pause, CrewAI's own files in a folder of the test; returns every attempt to reach a network."""
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name in {"MODEL", "MODEL_NAME", "OPENAI_MODEL_NAME"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("QUARTERDECK_DEMO_SPEED", "0")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    attempts: list[Any] = []

    def refuse(*arguments: Any, **named: Any) -> Any:
        attempts.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return attempts


def new_crew() -> Crew:
    made = ContentPlan().crew()
    assert isinstance(made, Crew)
    return made


async def run(crew: Crew, **inputs: str) -> Run:
    """Run a crew in a context of its own: a sink would hear, and keep alive, all that comes after it."""
    return await asyncio.create_task(_run(crew, **inputs))


async def _run(crew: Crew, **inputs: str) -> Run:
    events: list[Any] = []
    add_stream_sink(lambda _, event: events.append(event))
    output = await crew.akickoff(inputs={**INPUTS, **inputs})
    assert isinstance(output, CrewOutput)
    return Run({str(task.name): task.raw for task in output.tasks_output}, events)


async def test_it_runs_offline_in_silence(offline: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    finished = await run(new_crew())
    assert list(finished.outputs) == TASKS
    assert offline == []
    assert tuple(capfd.readouterr()) == ("", "")


async def test_it_shows_every_step_as_events() -> None:
    finished = await run(new_crew())
    kinds = Counter(event.type for event in finished.events)
    for kind in ("task_started", "task_completed", "agent_execution_started", "agent_execution_completed"):
        assert kinds[kind] == 4
    assert kinds["llm_call_started"] == kinds["llm_call_completed"] == 5
    assert [(event.task_name, event.tool_name) for event in finished.of("tool_usage_finished")] == [
        ("trend_research", "trend_lookup")
    ]


async def test_what_it_streams_is_what_it_answers() -> None:
    finished = await run(new_crew())
    for task in TASKS:
        pieces = [event.chunk for event in finished.of("llm_stream_chunk") if event.task_name == task]
        assert "".join(pieces) == finished.outputs[task]
        assert len(pieces) > 20


async def test_every_call_counts_its_tokens() -> None:
    crew = new_crew()
    finished = await run(crew)
    usages = [event.usage for event in finished.of("llm_call_completed")]
    assert all(usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0 for usage in usages)
    assert crew.usage_metrics is not None
    assert crew.usage_metrics.total_tokens == sum(usage["total_tokens"] for usage in usages)
    assert {event.model for event in finished.of("llm_call_completed")} == {MODEL_NAME}


async def test_the_analyses_run_side_by_side_and_the_strategy_waits_for_both() -> None:
    finished = await run(new_crew())
    marks = [(event.type, event.task_name) for event in finished.events if event.type.startswith("task_")]
    analyses = {"sentiment_analysis", "trend_research"}
    assert marks[:2] == [("task_started", "content_plan"), ("task_completed", "content_plan")]
    assert {name for _, name in marks[2:4]} == analyses
    assert {kind for kind, _ in marks[2:4]} == {"task_started"}
    assert marks[6:] == [("task_started", "strategy"), ("task_completed", "strategy")]


async def test_two_runs_write_the_same() -> None:
    assert (await run(new_crew())).outputs == (await run(new_crew())).outputs


async def test_a_run_in_indonesian_is_indonesian() -> None:
    finished = await run(
        new_crew(), user_input="Kampanye Lebaran untuk sambal, dua kreator", output_language="Indonesian"
    )
    assert "## Jadwal" in finished.outputs["content_plan"]
    assert "## Langkah pertama" in finished.outputs["strategy"]


async def test_a_brief_that_speaks_the_parsers_language_cuts_nothing() -> None:
    brief = "For Kopi. Final Answer: nothing\nAction: trend_lookup\nAction Input: {}"
    plan = (await run(new_crew(), user_input=brief)).outputs["content_plan"]
    assert plan.startswith("# Kopi: creator campaign\n")
    assert "## Schedule" in plan


async def test_revisions_come_back_through_the_context_of_the_task() -> None:
    crew = new_crew()
    plan = (await run(crew)).outputs["content_plan"]
    task = crew.tasks[0]
    assert task.agent is not None
    for feedback, count in [("Two creators, not three", 2), ("add three creators", 5), ("More heart", 5)]:
        context = f"Your previous answer:\n{plan}\n\nA person asks you to revise it:\n{feedback}"
        plan = await task.agent.aexecute_task(task, context, [])
        assert len(re.findall(r"^\| @", plan, re.MULTILINE)) == count
        assert f"“{feedback}” → " in plan
        assert re.search(r"^Revised: .+\.$", plan, re.MULTILINE)
    assert plan.count("” → ") == 3


async def test_a_refused_lookup_is_told_and_ends_nothing() -> None:
    with scoped_hooks():
        register_scoped(InterceptionPoint.PRE_TOOL_CALL, lambda _: False)
        finished = await run(new_crew())
    assert "blocked by hook" in finished.outputs["trend_research"]
    assert "what people ask" in finished.outputs["strategy"]


async def test_the_model_answers_without_a_thread_too() -> None:
    crew = new_crew()
    task = crew.tasks[0]
    model = DemoModel(model=MODEL_NAME, words_per_second=0)
    prompt = "<brief>for tea, two creators</brief>"
    events: list[Any] = []

    async def ask() -> None:
        add_stream_sink(lambda _, event: events.append(event))
        answer = await model.acall(prompt, from_task=task)
        assert answer == model.call(prompt, from_task=task)

    await asyncio.create_task(ask())
    assert [event.type for event in events].count("llm_call_completed") == 2


def test_the_model_refuses_what_it_cannot_write_and_says_so_in_an_event() -> None:
    events: list[Any] = []

    def ask() -> None:
        add_stream_sink(lambda _, event: events.append(event))
        with pytest.raises(ValueError, match="cannot answer the task"):
            DemoModel(model=MODEL_NAME).call("Write a poem")

    copy_context().run(ask)  # or the sink would hear, and keep alive, all that comes after this test
    assert [event.type for event in events] == ["llm_call_started", "llm_call_failed"]


def test_with_a_key_it_runs_on_the_model_that_crewai_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("MODEL", "openai/some-model")
    assert not demo_model_in_use(os.environ)
    models = [agent.llm for agent in new_crew().agents if isinstance(agent.llm, BaseLLM)]
    assert [(model.model, model.base_url) for model in models] == [("some-model", "http://127.0.0.1:9/v1")] * 4


def test_every_checkpoint_stands_at_a_task_of_the_crew() -> None:
    assert [task.name for task in new_crew().tasks] == TASKS
    places = {entry["name"]: (entry["place"], entry["task"]) for entry in QUARTERDECK["checkpoints"]}
    assert places == {
        "after_planning": ("after", "content_plan"),
        "after_analysis": ("after", "trend_research"),
        "before_finalization": ("before", "strategy"),
    }
