"""What a model's provider tells of a call's use may be odd, or missing: the crew goes on, and no sum is wrong."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from msgspec import UNSET, json
from structlog.testing import capture_logs

from protocol.events import LlmCompleted, LlmStarted, TaskCompleted
from protocol.objects import Cost
from server.prices import Prices
from server.telemetry import REGISTRY
from tests.support.crews import LLM, Crew, adapted, agent, model, task, tool
from tests.support.flows import Flow, run_flow, start
from tests.support.journal import Execution, FakeJournal
from tests.support.marked_model import MarkedModel
from tests.support.openai_server import OpenAIServer, Reply, Tokens
from tests.support.priced import CALL, Plan, count, priced, single

from crewai.events.types.llm_events import LLMCallType  # isort: skip  # first imported above, without its warnings
from crewai.llms.base_llm import BaseLLM, llm_call_context  # isort: skip
from crewai.utilities.internal_instructor import InternalInstructor  # isort: skip

PRICES = Prices.read({"prices": {"openai/gpt-4o*": {"input": 0.15, "output": 0.6}}})


@pytest.fixture(autouse=True)
def prices() -> Iterator[None]:
    with priced(PRICES):
        yield


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"crew": "test", **labels}) or 0.0


@pytest.mark.parametrize("odd", [10**30, -5, float("nan"), 1e300, "many", None, [1]], ids=str)
async def test_a_number_that_is_none_is_not_believed(server: OpenAIServer, odd: Any) -> None:
    server.reply("do it", Reply("One two.", tokens=Tokens(prompt=odd, total=20)))
    journal = FakeJournal()
    outcome = await adapted(single(server)).run(journal)
    assert outcome.output == "One two."
    (done,) = journal.events(LlmCompleted)
    assert [event.call for event in journal.events(LlmStarted)] == [done.call]
    assert done.usage
    assert done.usage.cost is UNSET
    assert 0 <= done.usage.prompt_tokens < 2**31
    assert json.decode(json.encode(done), type=LlmCompleted) == done


class Odd(MarkedModel):
    """A model that tells of its structured answers nothing that anybody understands."""

    def choose(self, body: dict[str, Any], prompt: str) -> Reply | None:
        reply = super().choose(body, prompt)
        asked_around = reply and isinstance(body.get("tool_choice"), dict)
        return replace(reply, tokens=Tokens(prompt=10**30, total=3)) if reply and asked_around else reply


async def test_a_structured_answer_counts_though_nobody_understands_its_use() -> None:
    with Odd() as model:
        journal = FakeJournal()
        await adapted(single(model, more={"output_json": Plan}, tools=[count])).run(journal)
    (around,) = [event for event in journal.events(LlmCompleted) if event.call.startswith("t0/")]
    assert around.usage
    assert around.usage.cost is UNSET
    assert json.decode(json.encode(around), type=LlmCompleted) == around
    (done,) = journal.events(TaskCompleted)
    assert done.usage.cost
    assert done.usage.cost.unpriced == 1


class Silent(BaseLLM):
    """A model of somebody's own that tells crewai nothing of its calls."""

    def call(self, messages: Any, *args: Any, **more: Any) -> str:
        return "Silence."


class Router(BaseLLM):
    """A model of somebody's own that lets another answer."""

    inner: Any = None

    def call(self, messages: Any, *args: Any, **more: Any) -> str:
        return str(self.inner.call(messages))


def story(*asks: Callable[[], Any]) -> Callable[[], Flow[Any]]:
    class Story(Flow[Any]):
        @start()
        def write(self) -> str:
            return [str(ask()) for ask in asks][-1]

    return Story


async def in_two_attempts(build: Callable[[], Flow[Any]]) -> tuple[FakeJournal, FakeJournal]:
    """Run a flow, and once more as if its worker had died before its method had ended."""
    execution = Execution()
    _, first = await run_flow(build, of=execution)
    for step in [step for step in execution.recorded if "/llm." not in step and step != "began"]:
        del execution.recorded[step]
    _, second = await run_flow(build, of=execution)
    return first, second


async def test_a_part_counts_calls_of_unknown_cost_in_each_attempt(server: OpenAIServer) -> None:
    server.reply("fail", Reply("No.", status=401))

    def fail() -> None:
        with suppress(Exception):
            model(server).call("fail")

    silent = Silent(model="silent")
    told = story(fail, lambda: silent.call("say nothing"), lambda: model(server).call("do it"))
    for journal in await in_two_attempts(told):
        (done,) = journal.events(TaskCompleted)
        assert len(journal.events(LlmCompleted)) == done.usage.calls == 3
        assert done.usage.cost == Cost(amount=CALL, currency="USD", unpriced=2)


async def test_a_model_that_lets_another_answer_makes_one_call(server: OpenAIServer) -> None:
    outer = Router(model="mine/router", inner=model(server))
    first, second = await in_two_attempts(story(lambda: outer.call("do it")))
    for journal in (first, second):
        (call,) = journal.events(LlmCompleted)
        assert call.usage
        assert call.usage.cost == Cost(amount=CALL, currency="USD")
        (done,) = journal.events(TaskCompleted)
        assert done.usage == call.usage
    assert len(server.requests) == 1


class Twice(BaseLLM):
    """A model of somebody's own that tells the end of its call twice."""

    def call(self, messages: Any, *args: Any, **more: Any) -> str:
        with llm_call_context():
            self._emit_call_started_event(messages)
            for _ in range(2):
                usage = {"prompt_tokens": 1000, "completion_tokens": 0}
                self._emit_call_completed_event(response="Ha.", call_type=LLMCallType.LLM_CALL, usage=usage)
        return "Ha."


async def test_an_end_that_is_told_twice_is_paid_once() -> None:
    before = metric("crew_cost_total", currency="USD")
    twice = Twice(model="gpt-4o-mini")
    _, journal = await run_flow(story(lambda: twice.call("x")))
    (call,) = journal.events(LlmCompleted)
    assert call.usage
    assert call.usage.cost == Cost(amount="0.00015", currency="USD")
    assert metric("crew_cost_total", currency="USD") - before == pytest.approx(0.00015)


async def test_no_price_is_missed_where_there_is_one(server: OpenAIServer) -> None:
    server.reply("fail", Reply("No.", status=401))
    known = LLM(model="openai/gpt-4o", base_url=server.url, api_key="sk-test")
    with pytest.raises(Exception, match="No"), capture_logs() as logs:
        await run_flow(story(lambda: known.call("fail")))
    assert [log for log in logs if "price" in log["event"]] == []


class Failing(MarkedModel):
    """A model that refuses to give structured answers where crewai asks for them around its own clients."""

    def choose(self, body: dict[str, Any], prompt: str) -> Reply | None:
        forced = isinstance(body.get("tool_choice"), dict)
        return Reply("No.", status=400) if forced else super().choose(body, prompt)


async def test_a_structured_answer_that_fails_has_an_end_and_a_cost_that_nobody_knows() -> None:
    before = metric("crew_unpriced_calls_total", model="gpt-4o-mini")
    journal = FakeJournal()
    with Failing() as model:
        await adapted(single(model, more={"output_json": Plan}, tools=[count])).run(journal)
    started, ended = journal.events(LlmStarted), journal.events(LlmCompleted)
    assert sorted(call.call for call in started) == sorted(call.call for call in ended)
    (done,) = journal.events(TaskCompleted)
    unknown = sum(call.usage is None for call in ended)
    assert unknown > 0
    assert done.usage.calls == len(ended)
    assert done.usage.cost
    assert done.usage.cost.unpriced == unknown
    assert metric("crew_unpriced_calls_total", model="gpt-4o-mini") - before == unknown


class Around(BaseLLM):
    """A model that asks for structured answers as crewai's models on LiteLLM do: around itself, within its own call."""

    def call(self, messages: Any, *args: Any, **more: Any) -> str:
        with llm_call_context():
            self._emit_call_started_event(messages)
            answer = InternalInstructor(content="do it", model=Plan, llm=self).to_pydantic()
            self._emit_call_completed_event(response=answer.title, call_type=LLMCallType.LLM_CALL, usage=None)
        return str(answer.title)


async def test_a_model_that_asks_around_itself_makes_one_call() -> None:
    with MarkedModel() as server:
        around = Around(model="gpt-4o-mini", base_url=server.url, api_key="sk-test-0123456789")
        first, second = await in_two_attempts(story(lambda: around.call("do it")))
        assert len(server.requests) == 1
    for journal in (first, second):
        (call,) = journal.events(LlmCompleted)
        assert call.usage
        assert call.usage.cost == Cost(amount=CALL, currency="USD")
        assert journal.events(TaskCompleted)[0].usage == call.usage


async def test_what_a_crew_in_a_tool_cost_is_its_own_in_each_attempt() -> None:
    with MarkedModel() as server:

        @tool("delve")
        def delve(words: str) -> str:
            """Run a crew, and ask a model beside it."""
            inner = agent(server, "Inner")
            Crew(agents=[inner], tasks=[task("inner", inner)]).kickoff()
            return str(model(server).call("do more"))

        def build() -> Crew:
            outer = agent(server, tools=[delve])
            return Crew(agents=[outer], tasks=[task("it", outer, description="do it [[delve words=a]]")])

        execution = Execution()
        first = FakeJournal(of=execution)
        await adapted(build).run(first)
        for step in [step for step in execution.recorded if step.startswith("t0/") and step.count("/") == 1]:
            del execution.recorded[step]  # as if its worker had died before the outer task had ended
        second = FakeJournal(of=execution)
        await adapted(build).run(second)
        assert len(server.requests) == 4
    inner, outer = first.events(TaskCompleted)
    assert (inner.usage.calls, outer.usage.calls) == (1, 3)
    assert [event.usage for event in second.events(TaskCompleted)] == [outer.usage]
    assert [event.replayed for event in second.events(LlmCompleted)] == [True] * 4
