"""Many crews in one worker, and what one crew costs beside crewai alone."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import anyio
import psutil

from tests.benchmarks.pair import POOL, STALL, TASKS, Figures, Plan
from tests.benchmarks.report import Row
from tests.support.client import ENDS
from tests.support.processes import ROOT
from tests.support.stack import Stack

CREWS = 200
#: With python's own pool of threads, crews wait for each other: so few are enough to see it.
FEW = 24
ROUNDS = 31
#: A connection may watch a hundred executions.
SOCKETS = 4


def crews() -> Iterator[Row]:
    """Run 200 crews of two tasks on a model that takes a second, all started at once, in one worker."""
    with slow_model() as url:
        few, many = Plan(crews=FEW, model=url), Plan(crews=CREWS, model=url, threads=POOL)
        yield _row(f"{FEW} crews", "crewai: akickoff, Python's own pool", apart(few))
        yield _row(f"{CREWS} crews", f"crewai: akickoff, {POOL} threads", apart(many))
        yield _row(f"{CREWS} crews", "quarterdeck: journal in memory", apart(replace(many, ours=True)))
        yield _row(f"{CREWS} crews", "quarterdeck: one worker, seen at a socket", anyio.run(quarterdeck, url, CREWS))
    alone = Plan(crews=1, model="", rounds=ROUNDS)
    yield _row("1 crew, a model that answers at once", "crewai: akickoff", apart(alone))
    yield _row(
        "1 crew, a model that answers at once", "quarterdeck: journal in memory", apart(replace(alone, ours=True))
    )


def _row(what: str, whom: str, figures: Figures) -> Row:
    seconds, cpu, stall = f"{figures.seconds:.3f}", f"{figures.cpu_ms:.1f}", f"{figures.stall_ms:.0f}"
    return Row(what, whom, {"seconds": seconds, "CPU ms per task": cpu, "longest stall ms": stall})


@contextmanager
def slow_model() -> Iterator[str]:
    """Start the model server on its own."""
    command = [sys.executable, "-m", "tests.benchmarks.slow_model"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)


def apart(plan: Plan) -> Figures:
    """Run crews in a process of their own, without the service around them."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.pair", json.dumps(asdict(plan))]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


async def quarterdeck(url: str, count: int) -> Figures:
    """Run them in a whole installation: Valkey, one web process, one worker."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        stack = _stack(Path(folder), url, count)
        try:
            await stack.mend()
            await _run(stack, 1)
            return await _measured(stack, count)
        finally:
            stack.stop()


def _stack(folder: Path, url: str, count: int) -> Stack:
    stack = Stack(folder, url)
    settings = {
        "QUARTERDECK_CREWS": "pair=tests.benchmarks.pair:crew", "QUARTERDECK_SLOTS": str(count),
        STALL: str(folder / "stall"),
    }  # fmt: skip
    for process in stack.processes:
        process.environ.update(settings)
    return stack


async def _measured(stack: Stack, count: int) -> Figures:
    stall = stack.folder / "stall"
    stall.write_text("0")
    worker = psutil.Process(stack.workers[0].pid)
    began, cpu = time.perf_counter(), _cpu(worker)
    await _run(stack, count)
    seconds, cpu = time.perf_counter() - began, _cpu(worker) - cpu
    return Figures(seconds, cpu / count / TASKS * 1e3, float(stall.read_text()))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _run(stack: Stack, count: int) -> None:
    """Start so many over a few sockets, without waiting for one before the next, and wait for the last end."""
    async with anyio.create_task_group() as group:
        for socket in range(SOCKETS):
            group.start_soon(_share, stack, range(socket, count, SOCKETS))


async def _share(stack: Stack, numbers: range) -> None:
    async with stack.connect() as client:
        for number in numbers:
            command = {"type": "start", "id": number, "crew": "pair", "inputs": {"topic": f"x{number}"}}
            await client.send(command)
        missing = len(numbers)
        while missing:
            frame = await client.receive()
            assert frame["type"] != "error", frame
            if frame["type"] in ENDS:
                assert frame["data"].get("output") == "An answer.", frame
                missing -= 1


ROWS = {"crews": crews}
