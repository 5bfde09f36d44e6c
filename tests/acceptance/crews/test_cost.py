"""What a running crew's calls cost: each is priced once, when it is made, whatever attempt it is part of."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import UNSET

from protocol.events import LlmCompleted, TaskCompleted
from protocol.objects import Cost, Usage
from server.prices import Prices, billionths, written
from server.runnable import CrewFailed
from server.telemetry import REGISTRY
from tests.support.crews import LLM, Crew, adapted, agent, model, task
from tests.support.flows import Flow, run_flow, start
from tests.support.journal import Execution, FakeJournal
from tests.support.marked_model import MarkedModel
from tests.support.openai_server import OpenAIServer, Reply, Tokens
from tests.support.priced import CALL, Plan, count, priced, single

from server.crews.calls import costs  # isort: skip  # crewai is first imported above, without its warnings

PRICES = Prices.read({"prices": {"openai/gpt-4o-mini": {"input": 0.15, "output": 0.6, "cached": 0.075}}})


@pytest.fixture(autouse=True)
def prices() -> Iterator[None]:
    with priced(PRICES):
        yield


def usd(amount: str, unpriced: int = 0) -> Cost:
    return Cost(amount=amount, currency="USD", unpriced=unpriced)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"crew": "test", **labels}) or 0.0


def costs_of(journal: FakeJournal) -> list[Any]:
    return [event.usage.cost if event.usage else None for event in journal.events(LlmCompleted)]


async def told(build: Callable[[], Crew], **more: Any) -> FakeJournal:
    journal = FakeJournal(**more)
    await adapted(build).run(journal)
    return journal


async def test_a_call_is_priced_and_its_cached_tokens_for_themselves(server: OpenAIServer) -> None:
    server.reply("do it", Reply("One two.", tokens=Tokens(prompt=1000, completion=10, cached=800)))
    before = metric("crew_cost_total", currency="USD")
    journal = await told(single(server))
    assert costs_of(journal) == [usd("0.000096")]
    usage = Usage(prompt_tokens=1000, completion_tokens=10, total_tokens=1010, calls=1, cost=usd("0.000096"))
    assert journal.events(TaskCompleted)[0].usage == usage
    assert metric("crew_cost_total", currency="USD") - before == pytest.approx(0.000096)


async def test_a_question_tells_what_its_task_has_cost_so_far(server: OpenAIServer) -> None:
    journal = await told(single(server), checkpoints=["after:it"], answers={"after:it": ["approve"]})
    (question,) = journal.asked
    assert question.facts == {
        "task": "do it", "tokens": 18, "cost": {"amount": CALL, "currency": "USD", "unpriced": 0}
    }  # fmt: skip


async def test_what_an_earlier_attempt_paid_is_counted_and_not_paid_again(server: OpenAIServer) -> None:
    execution, runnable = Execution(), adapted(single(server))
    first = FakeJournal(of=execution)
    await runnable.run(first)
    paid = metric("crew_cost_total", currency="USD")
    for step in [step for step in execution.recorded if "/llm." not in step and step != "began"]:
        del execution.recorded[step]
    second = FakeJournal(of=execution)
    await runnable.run(second)
    assert len(server.requests) == 1
    assert [event.replayed for event in second.events(LlmCompleted)] == [True]
    assert second.events(TaskCompleted)[0].usage == first.events(TaskCompleted)[0].usage
    assert costs_of(second) == [usd(CALL)]
    assert metric("crew_cost_total", currency="USD") == paid


async def test_calls_of_a_model_without_a_price_are_told(server: OpenAIServer) -> None:
    def build() -> Crew:
        known, unknown = (
            agent(server),
            agent(server, "Critic", llm=LLM(model="openai/gpt-4o", base_url=server.url, api_key="sk-test")),
        )
        return Crew(agents=[known, unknown], tasks=[task("it", known), task("that", unknown)])

    before = metric("crew_unpriced_calls_total", model="gpt-4o")
    journal = await told(build)
    assert costs_of(journal) == [usd(CALL), UNSET]
    assert [event.usage.cost for event in journal.events(TaskCompleted)] == [usd(CALL), UNSET]
    assert metric("crew_unpriced_calls_total", model="gpt-4o") - before == 1


async def test_a_call_that_failed_has_a_cost_that_nobody_knows(server: OpenAIServer) -> None:
    server.reply("do it", Reply("No.", status=401))
    before = metric("crew_unpriced_calls_total", model="gpt-4o-mini")
    with pytest.raises(CrewFailed):
        await told(single(server))
    assert metric("crew_unpriced_calls_total", model="gpt-4o-mini") - before >= 1


async def test_structured_answers_around_crewai_s_models_are_priced() -> None:
    with MarkedModel() as marked:
        journal = await told(single(marked, more={"output_json": Plan}, tools=[count]))
        asked = len(marked.requests)
    around = [event for event in journal.events(LlmCompleted) if event.call.startswith("t0/")]
    assert around, "the library `instructor` was asked"
    assert costs_of(journal) == [usd(CALL)] * asked
    (done,) = journal.events(TaskCompleted)
    assert (done.usage.calls, done.usage.cost) == (asked, usd(written(billionths(CALL) * asked)))


async def test_calls_within_a_flow_s_method_are_priced(server: OpenAIServer) -> None:
    class Story(Flow[Any]):
        @start()
        def write(self) -> str:
            return str(model(server).call("do it"))

    _, journal = await run_flow(Story)
    assert [event.usage.cost for event in journal.events(TaskCompleted)] == [usd(CALL)]


async def test_without_prices_nothing_is_said_of_money(server: OpenAIServer) -> None:
    costs.price_by(Prices())
    journal = await told(single(server), checkpoints=["after:it"], answers={"after:it": ["approve"]})
    assert costs_of(journal) == [UNSET]
    assert journal.events(TaskCompleted)[0].usage.cost is UNSET
    assert journal.asked[0].facts == {"task": "do it", "tokens": 18}
