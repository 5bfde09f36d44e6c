"""What a run cost, on a whole installation: everywhere the same amount, and each call paid for once."""

import io
import json
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import anyio.to_thread
import pytest
from prometheus_client.parser import text_string_to_metric_families

from protocol.client import AsyncClient
from protocol.objects import Cost
from server.cli import main
from tests.support.http import ask
from tests.support.market import market, start
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.stack import Stack
from tests.support.waiting import wait_until

PRICES = """
[prices]
"gpt-4o-mini*" = { input = 0.15, output = 0.6, cached = 0.075 }
"""
#: Of one call, and of the two that the crew makes; see `openai_server.Tokens`.
CALL, BOTH = "0.00000585", "0.0000117"


def usd(amount: str) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD", "unpriced": 0}


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    async with market(server, prices=PRICES) as stack:
        yield stack


def paid(stack: Stack) -> float:
    """Read from the worker what it has paid so far."""
    address = stack.workers[0].said("process.started")[-1]["address"]
    answer = ask(int(str(address).rpartition(":")[2]), "GET", "/metrics")
    samples = [one for family in text_string_to_metric_families(answer.text) for one in family.samples]
    return sum(
        one.value
        for one in samples
        if one.name == "crew_cost_total" and one.labels == {"crew": "market", "currency": "USD"}
    )


async def read(stack: Stack, execution: str) -> dict[str, Any]:
    path = f"/api/v1/executions/{execution}"
    answer = await anyio.to_thread.run_sync(ask, stack.port, "GET", path)
    found: dict[str, Any] = answer.json["execution"]
    return found


async def test_every_client_is_told_the_same_cost(stack: Stack) -> None:
    execution = await start(stack, "cost", ["after_survey"])
    before = await anyio.to_thread.run_sync(paid, stack)
    async with AsyncClient(f"http://127.0.0.1:{stack.port}") as client:
        waiting = await client.get(execution)
        (question,) = waiting.checkpoints
        assert question.facts["cost"] == usd(CALL)
        assert waiting.execution.usage.cost == Cost(amount=CALL, currency="USD")
        await client.decide(question, "approve")
        async with stack.connect() as socket:
            await socket.command("watch", execution=execution)
            end = await socket.end(execution)
            calls = [frame for frame in socket.frames if frame["type"] == "llm.completed"]
        assert end["data"]["usage"]["cost"] == usd(BOTH)
        assert [frame["data"]["usage"]["cost"] for frame in calls] == [usd(CALL)] * 2
        done = (await client.get(execution)).execution
        assert done.usage.cost == Cost(amount=BOTH, currency="USD")
    shown = await read(stack, execution)
    assert shown["usage"]["cost"] == usd(BOTH)
    assert [task["usage"]["cost"] for task in shown["tasks"]] == [usd(CALL)] * 2
    assert await anyio.to_thread.run_sync(paid, stack) - before == pytest.approx(float(CALL))


async def test_the_command_line_tells_it(stack: Stack) -> None:
    execution = await start(stack, "shell", [])
    url = f"http://127.0.0.1:{stack.port}"

    def run(*words: str) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            assert main([*words, "--url", url]) == 0
        return out.getvalue(), err.getvalue()

    _, told = await anyio.to_thread.run_sync(run, "watch", execution)
    assert f"18 tokens, {CALL} USD" in told
    assert f"36 tokens, {BOTH} USD in all" in told
    document, _ = await anyio.to_thread.run_sync(run, "export", execution)
    assert f", {BOTH} USD\n" in document


async def test_front_ends_of_ag_ui_are_told_it_with_the_result(stack: Stack) -> None:
    body = {
        "threadId": "costs", "runId": "r1", "protocolVersion": "1.0", "state": {}, "tools": [], "context": [],
        "messages": [{"id": "m1", "role": "user", "content": "AG-UI"}],
        "forwardedProps": {"checkpoints": [], "inputs": {"output_language": "English"}},
    }  # fmt: skip
    answer = await anyio.to_thread.run_sync(ask, stack.port, "POST", "/ag-ui/market", body)
    last = json.loads(answer.text.strip().splitlines()[-1].removeprefix("data: "))
    assert (last["type"], last["result"]["usage"]["cost"]) == ("RUN_FINISHED", usd(BOTH))


async def test_what_a_fork_shares_is_shown_and_not_paid_again(stack: Stack) -> None:
    original = await start(stack, "fork", ["after_survey"])
    before = await anyio.to_thread.run_sync(paid, stack)
    async with stack.connect() as client:
        (draft,) = (await client.command("get", execution=original))["checkpoints"]
        forked = await client.command("fork", execution=original, checkpoint=draft["id"], action="approve")
        fork = forked["execution"]
        await client.command("watch", execution=fork)
        end = await client.end(fork)
    assert end["data"]["usage"]["cost"] == usd(BOTH)
    assert (await read(stack, original))["usage"]["cost"] == usd(CALL)
    assert await anyio.to_thread.run_sync(paid, stack) - before == pytest.approx(float(CALL))


async def test_a_worker_s_death_costs_what_it_costs_and_nothing_is_counted_twice(
    stack: Stack, server: OpenAIServer
) -> None:
    held = threading.Event()
    server.reply("do report about death", Reply("A report.", hold=held))
    async with stack.connect() as client:
        inputs = {"topic": "death", "output_language": "English"}
        execution = (await client.command("start", crew="market", inputs=inputs, checkpoints=[]))["execution"]
        await wait_until(lambda: bool(server.prompts("do report about death")), description="the second task's call")
        stack.workers[0].stop(signal.SIGKILL)
        held.set()
        await stack.mend()
        end = await client.end(execution)
    assert end["data"]["usage"]["cost"] == usd(BOTH)
    assert len(server.prompts("do survey about death")) == 1
