"""One trace from the command to the crew and to the decision, in a collector of the operator's own."""

from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest

from tests.support.collector import Collector, Span
from tests.support.http import ask
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller
from tests.support.waiting import wait_until

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{CALLER}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def traced(tales: Storyteller, collector: Collector) -> Iterator[Stack]:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100",
        "QUARTERDECK_HOT_SECONDS": "0",
    }  # fmt: skip
    with installed(tales.server.url, settings=settings) as stack:
        anyio.run(stack.mend)
        yield stack


async def spans(collector: Collector, execution: str, crews: int) -> list[Span]:
    """Wait for the spans of so many attempts, and of the command that came first."""

    def sent() -> bool:
        names = [span.name.partition(" ")[0] for span in collector.of(execution)]
        return names.count("crew") == crews and "command" in names

    await wait_until(sent, description=f"the spans of {crews} attempts have been sent")
    return collector.of(execution)


async def test_from_the_command_to_the_crew_to_the_decision(traced: Stack, collector: Collector, topic: str) -> None:
    body = {"crew": "story", "inputs": {"topic": topic}, "checkpoints": ["agree"]}
    headers = {"traceparent": TRACEPARENT}
    started = await anyio.to_thread.run_sync(ask, traced.port, "POST", "/api/v1/executions", body, headers)
    execution = started.json["execution"]
    async with traced.connect() as client:
        await client.command("watch", execution=execution)
        question = await client.question(execution, "agree")
        await client.find("execution.parked", execution)
        await client.decide(question, "approve")
        await client.end(execution)
    await wait_until(
        lambda: "command decide" in {s.name for s in collector.of(execution)}, description="decide is sent"
    )
    found = {span.name: span for span in await spans(collector, execution, 2)}
    crews = [span for span in collector.of(execution) if span.name == "crew story"]
    assert {span.trace for span in found.values()} == {CALLER}, "it is part of the trace of whoever called"
    start = found["command start"]
    assert start.attributes["quarterdeck.via"] == "rest"
    assert [crew.parent for crew in crews] == [start.ident] * 2, "one for each attempt: it was parked between"
    assert [crew.attributes["quarterdeck.attempt"] for crew in crews] == [1, 2]
    decide = found["command decide"]
    assert (decide.parent, decide.attributes["quarterdeck.via"]) == (start.ident, "websocket")
    waited = found["checkpoint agree"]
    assert (waited.parent, waited.attributes["quarterdeck.action"]) == (decide.ident, "approve")
    assert crews[0].begun < waited.begun < decide.begun < waited.ended, "people's time is seen"
    inside = [span for span in collector.of(execution) if span.name.startswith(("task ", "chat "))]
    assert {span.name.split()[0] for span in inside} == {"task", "chat"}
    assert {span.parent for span in inside} <= {crew.ident for crew in crews}
    assert {span.service for span in found.values()} == {"quarterdeck"}
    assert topic not in str(found), "what was said is not in it"


async def test_a_crew_that_fails_is_seen(traced: Stack, collector: Collector, topic: str) -> None:
    async with traced.connect() as client:
        started = await client.command("start", crew="failing", inputs={"topic": topic})
        await client.end(started["execution"])
    found = {span.name: span.failed for span in await spans(collector, started["execution"], 1)}
    assert found["crew failing"]
    assert not found["command start"]
