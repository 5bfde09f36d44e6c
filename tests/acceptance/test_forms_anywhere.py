"""Every form of asking in one crew, with real processes: parked at once, and taken over from a killed worker."""

import json
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.support.client import Client
from tests.support.http import ask
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.stack import Stack

BUDGET, DRAFT = {"rupiah": 5000}, '{"title": "Tea", "price": 10}'


def model(prompt: str) -> Reply | str | None:
    """Ask for the budget, offer tea, and offer more when that is wished for."""
    if "You extract discrete" in prompt:
        return '{"memories": ["The client likes tea."]}'
    if "You analyze content" in prompt:
        metadata = '{"entities": [], "dates": [], "topics": []}'
        return f'{{"suggested_scope": "/", "categories": [], "importance": 0.5, "extracted_metadata": {metadata}}}'
    if "You are comparing" in prompt:
        return '{"actions": [], "insert_new": false, "insert_reason": ""}'
    if "You analyze a query" in prompt:
        rest = '"suggested_scopes": [], "complexity": "simple", "recall_queries": ["tea"], "time_filter": null'
        return f'{{"keywords": [], {rest}}}'
    if "do letter" in prompt:
        return "Dear client."
    if "Make it more" in prompt:
        return '{"title": "More tea", "price": 20}'
    return DRAFT if '"rupiah":5000' in prompt else Reply(calls=[Call("ask_budget", {"question": "What may it cost?"})])


@pytest.fixture
def offers() -> Iterator[tuple[Stack, OpenAIServer]]:
    with OpenAIServer() as server, tempfile.TemporaryDirectory(prefix="qd-") as name:
        server.script(model)
        folder = Path(name)
        stack = Stack(folder, server.url, workers=2, durable=True)
        for process in stack.processes:
            process.environ |= {
                "QUARTERDECK_CREWS": "offer=offer:crew", "QUARTERDECK_HOT_SECONDS": "0",
                "TEST_LEDGER": str(folder / "ledger"), "TEST_MEMORY": str(folder / "memory"),
            }  # fmt: skip
        try:
            anyio.run(stack.mend)
            yield stack, server
        finally:
            stack.stop()


async def parked(client: Client, execution: str, times: int) -> None:
    """Wait until the execution has left its worker for the how many-th time."""
    await client.until(
        lambda _: sum(event["type"] == "execution.parked" for event in client.events(execution)) >= times
    )


async def test_every_form_holds_whatever_becomes_of_the_worker(offers: tuple[Stack, OpenAIServer]) -> None:
    stack, server = offers
    async with stack.connect() as client:
        reply = await client.command("start", crew="offer", inputs={"topic": "teh"}, checkpoints=["after:offer"])
        execution = reply["execution"]

        budget = await client.question(execution, "ask_budget")
        assert (budget["kind"], budget["task"], budget["schema"]["required"]) == ("ask", "offer", ["rupiah"])
        wrong = await client.refused(
            "decide", execution=execution, checkpoint=budget["id"], action="respond", response={"rupiah": "much"}
        )
        assert (wrong["code"], list(wrong["detail"]["fields"])) == ("invalid_output", ["rupiah"])
        await parked(client, execution, 1)
        await client.decide(budget, "respond", response=BUDGET)

        first = await client.question(execution, "input:offer")
        assert (first["kind"], first["draft"]["json"]) == ("task.input", json.loads(DRAFT))
        await parked(client, execution, 2)
        worker = await stack.first_worker(client, execution)
        worker.send(signal.SIGKILL)
        await client.decide(first, "revise", feedback="Make it more")

        second = await client.question(execution, "input:offer", version=2)
        assert second["draft"]["json"] == {"title": "More tea", "price": 20}
        await client.decide(second, "approve")

        gate = await client.question(execution, "after:offer")
        assert gate["draft"]["json"] == {"title": "More tea", "price": 20}
        odd = '{"title": "Mine", "price": 7}'
        await client.decide(gate, "edit", output=odd)
        again = await client.question(execution, "after:offer", version=2)
        assert (again["draft"]["text"], "odd prices look cheap" in again["description"]) == (odd, True)
        await client.decide(again, "edit", output='{"title": "Mine", "price": 8}')

        end = await client.end(execution)
        assert end["type"] == "execution.completed"
        events = client.events(execution)

    done = [event["data"] for event in events if event["type"] == "task.completed"]
    assert [(data["task"], data["edited"], data.get("file")) for data in done] == [
        ("offer", True, "offers/teh.json"), ("letter", False, None),
    ]  # fmt: skip
    assert [event["data"]["round"] for event in events if event["type"] == "task.started"] == [1, 2, 1]
    assert not [event for event in events if event["type"] == "journal.missed"]
    path = f"/api/v1/executions/{execution}/files/offers/teh.json"
    answer = await anyio.to_thread.run_sync(ask, stack.port, "GET", path)
    assert (answer.status, answer.json) == (200, {"title": "Mine", "price": 8})
    assert await anyio.Path(stack.folder / "ledger").read_text() == '{"title": "Mine", "price": 8}\n'
    prompts = server.prompts("Current Task")
    assert len(prompts) == len(set(prompts)) == 4, "no call was made twice"
    assert end["data"]["usage"]["calls"] == len(server.requests), "what was paid for is counted, once"
    assert "The client likes tea." in server.prompts("Current Task: do letter")[0]
