"""The way of an execution: a decision until the crew runs on, and events from a worker into Redis."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
from redis.asyncio import Redis

from protocol.events import AgentStarted, ExecutionQueued, ExecutionStarted
from protocol.ids import new_execution
from server.store import Store, Write
from tests.benchmarks.report import Row
from tests.support.client import answer_to
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller
from tests.support.valkey import Valkey

ROUNDS = 200
EVENTS = 20_000
BATCH = 200


def decision() -> Iterator[Row]:
    """Time from sending a decision to seeing, on the same socket, that the crew runs on; hot, with a real crew."""
    waits, hops = anyio.run(_decisions)
    yield _row("decision → crew running", "quarterdeck, seen at the socket", waits)
    yield _row("decision → crew running", "ceiling: one word through Redis pub/sub and back", hops)


def _row(what: str, whom: str, seconds: list[float]) -> Row:
    ordered = sorted(seconds)
    p99 = ordered[int(len(ordered) * 0.99)]
    return Row(what, whom, {"p50 ms": f"{statistics.median(ordered) * 1e3:.2f}", "p99 ms": f"{p99 * 1e3:.2f}"})


async def _decisions() -> tuple[list[float], list[float]]:
    with OpenAIServer() as model, installed(model.url) as stack:
        Storyteller(model)
        await stack.mend()
        return await _revise(stack), await _echo(stack.valkey.url)


async def _revise(stack: Stack) -> list[float]:
    waits: list[float] = []
    async with stack.connect() as client:
        started = await client.command("start", crew="story", inputs={"topic": "speed"}, checkpoints=["agree"])
        for version in range(1, ROUNDS + 1):
            checkpoint = await client.question(started["execution"], "agree", version)
            known, began = len(client.frames), time.perf_counter()
            await client.send({"type": "decide", "id": 0, **answer_to(checkpoint, "revise", feedback="again")})
            await client.until(lambda frame: frame["type"] == "task.started", known)
            waits.append(time.perf_counter() - began)
    return waits


async def _echo(url: str) -> list[float]:
    """Send a word through Redis to another connection, which sends it back."""
    near, far = Redis.from_url(url, socket_timeout=None), Redis.from_url(url, socket_timeout=None)
    hops: list[float] = []
    async with near.pubsub() as hears, far.pubsub() as echoes:
        await hears.subscribe("back")
        await echoes.subscribe("there")
        for pubsub in (hears, echoes):
            await pubsub.get_message(timeout=5)

        async def answer() -> None:
            while True:
                if await echoes.get_message(ignore_subscribe_messages=True, timeout=None):
                    await far.publish("back", b"x")

        async with anyio.create_task_group() as group:
            group.start_soon(answer)
            for _ in range(ROUNDS):
                began = time.perf_counter()
                await near.publish("there", b"x")
                while not await hears.get_message(ignore_subscribe_messages=True, timeout=None):
                    pass
                hops.append(time.perf_counter() - began)
            group.cancel_scope.cancel()
    await near.aclose()
    await far.aclose()
    return hops


def commits() -> Iterator[Row]:
    """Events per second from one worker, and the commit script's time in the server."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        valkey = Valkey(Path(folder), durable=True)
        valkey.start()
        try:
            yield from anyio.run(_commits, valkey.url)
        finally:
            valkey.stop()


async def _commits(url: str) -> list[Row]:
    client = Redis.from_url(url)
    rows = [await _ours(client), await _bare(client)]
    await client.aclose()
    return rows


async def _ours(client: Redis) -> Row:
    store, execution = Store(client), new_execution()
    queued = ExecutionQueued(crew="c", title="t", inputs={}, checkpoints=[], tasks=[])
    await store.commit(execution, Write(data=queued))
    await store.commit(execution, Write(data=ExecutionStarted(worker="w", attempt=1), fence=1, owner="w"))
    write = AgentStarted(agent="A writer of many words", task="x" * 250)
    await client.config_resetstat()
    began = time.perf_counter()
    for first in range(0, EVENTS, BATCH):
        numbers = range(first + 1, first + BATCH + 1)
        await store.commit_all(execution, [Write(data=write, fence=1, number=number) for number in numbers], 1)
    seconds = time.perf_counter() - began
    return await _throughput(client, "quarterdeck: commit script, pipelined", seconds, "evalsha")


async def _bare(client: Redis) -> Row:
    await client.config_resetstat()
    began = time.perf_counter()
    for _ in range(0, EVENTS, BATCH):
        async with client.pipeline(transaction=False) as pipeline:
            for _ in range(BATCH):
                pipeline.xadd("bare", {"f": b"x" * 430})
            await pipeline.execute()
    return await _throughput(client, "ceiling: the same bytes by bare XADD", time.perf_counter() - began, "xadd")


async def _throughput(client: Redis, whom: str, seconds: float, command: str) -> Row:
    stats: Any = await client.info("commandstats")
    micros = stats[f"cmdstat_{command}"]["usec_per_call"]
    return Row(
        "events from one worker", whom, {"events/s": f"{EVENTS / seconds:,.0f}", "µs in the server": f"{micros:.1f}"}
    )


ROWS = {"decision": decision, "commits": commits}
