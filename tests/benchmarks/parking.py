"""What waiting costs: memory of a worker with none and with thousands parked, bytes in Redis, time to go on."""

import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

import anyio
import psutil
from redis.asyncio import Redis

from server import keys
from tests.benchmarks.report import Row
from tests.support.client import Client, answer_to
from tests.support.stack import Stack, installed
from tests.support.waiting import wait_until

#: Executions that wait at once; fewer for a quick look.
PARKED = int(os.environ.get("PARKED", "5000"))
#: Executions that are run to their end before the look at none, so that what a process keeps anyway is there.
WARM = 200
ROUNDS = 100


def parked() -> Iterator[Row]:
    """Fill an installation with executions that wait, and let some of them go on."""
    yield from anyio.run(_parked)


async def _parked() -> list[Row]:
    with installed("none", settings={"QUARTERDECK_CREWS": "idle=idle:crew", "QUARTERDECK_HOT_SECONDS": "0"}) as stack:
        await stack.mend()
        redis = Redis(unix_socket_path=stack.valkey.socket)
        rows = await _measure(stack, redis)
        await redis.aclose()
        return rows


async def _measure(stack: Stack, redis: Redis) -> list[Row]:
    fresh = _resident(stack)
    await _fill(stack, redis, WARM)
    await _empty(stack, redis, WARM)
    none = _resident(stack)
    began = time.perf_counter()
    await _fill(stack, redis, PARKED)
    seconds = time.perf_counter() - began
    many, each = _resident(stack), await _bytes(redis)
    waits = await _empty(stack, redis, ROUNDS)
    memory = {"RSS MB": "", "bytes in Redis each": f"{each:,.0f}"}
    return [
        Row("worker", "0 parked, right after its start", {"RSS MB": f"{fresh:.1f}"}),
        Row("worker", f"0 parked, {WARM} were run to their end", {"RSS MB": f"{none:.1f}"}),
        Row("worker", f"{PARKED} parked", {**memory, "RSS MB": f"{many:.1f}"}),
        Row("executions started, run and parked", "one worker", {"per second": f"{PARKED / seconds:.1f}"}),
        Row("decision → crew at an end", "parked", {"p50 ms": f"{statistics.median(waits) * 1e3:.0f}"}),
    ]


async def _fill(stack: Stack, redis: Redis, count: int) -> None:
    """Have so many executions parked."""
    async with stack.connect() as client:
        await _start(client, count)
    await _rest(redis, count)


async def _empty(stack: Stack, redis: Redis, count: int) -> list[float]:
    """Have so many of them go on to their end; how long each took."""
    async with stack.connect() as client:
        return [await _decide(client, redis) for _ in range(count)]


async def _start(client: Client, count: int) -> None:
    for number in range(count):
        await client.command("start", crew="idle", inputs={"topic": f"tea {number}"}, watch=False)


async def _rest(redis: Redis, count: int) -> None:
    """Wait until so many are parked."""

    async def enough() -> bool:
        members: Any = await redis.zrange(keys.executions(keys.OPEN_TENANT), 0, -1)
        pipeline = redis.pipeline(transaction=False)
        for member in members:
            pipeline.hmget(f"qd:{{{keys.OPEN_TENANT}:{member.decode()}}}:state", ["state", "owner"])
        states = await pipeline.execute()
        resting: list[bool] = [state == b"waiting" and owner == b"" for state, owner in states]
        return sum(resting) >= count

    await wait_until(enough, description=f"{count} are parked", timeout=1800)


def _resident(stack: Stack) -> float:
    return float(psutil.Process(stack.workers[0].pid).memory_info().rss) / 1e6


async def _bytes(redis: Redis) -> float:
    """Sum up what Redis keeps of one execution, its texts included; the mean of a hundred."""
    members: Any = await redis.zrange(keys.executions(keys.OPEN_TENANT), 0, 99)
    total = 0
    for member in members:
        for part in ("state", "log", "checkpoints", "journal", "keys"):
            total += await redis.memory_usage(f"qd:{{{keys.OPEN_TENANT}:{member.decode()}}}:{part}") or 0
    return total / len(members)


async def _decide(client: Client, redis: Redis) -> float:
    """Approve one that is parked; the time until its crew has run to its end."""
    listed = await client.command("list", what="checkpoints", limit=1)
    checkpoint = listed["items"][0]
    await client.command("watch", execution=checkpoint["execution"], after="now")
    began = time.perf_counter()
    await client.command("decide", **answer_to(checkpoint, "approve"))
    await client.end(checkpoint["execution"])
    seconds = time.perf_counter() - began
    await client.command("unwatch", execution=checkpoint["execution"])
    return seconds


ROWS = {"parked": parked}
