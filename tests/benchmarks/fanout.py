"""From Redis to sockets, beside the ceiling in the same run.

A: one channel, 1,000 sockets. B: 500 channels with one socket each. D: the subscriber's connection is killed.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from tests.benchmarks.load import PATIENCE, Plan, Result
from tests.benchmarks.report import Row
from tests.support.valkey import Valkey

PEERS = ("quarterdeck", "ceiling")


@contextmanager
def server(name: str, redis: str, folder: Path) -> Iterator[tuple[int, str]]:
    """Run one of the servers; its pid and its socket."""
    path = str(folder / f"{name}.sock")
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.servers", name, redis, path])
    try:
        end = time.monotonic() + 20
        while not Path(path).exists():
            assert process.poll() is None, f"{name} did not start"
            assert time.monotonic() < end, f"{name} did not start in time"
            time.sleep(0.02)
        yield process.pid, path
    finally:
        process.terminate()
        process.wait(20)
        Path(path).unlink(missing_ok=True)


def measure(plan: Plan, name: str) -> Result:
    """Measure one server once, with a Redis of its own."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        try:
            with server(name, valkey.url, Path(folder)) as (pid, path):
                whole = replace(plan, server=name, pid=pid, redis=valkey.url, socket=path)
                command = [sys.executable, "-m", "tests.benchmarks.load"]
                done = subprocess.run(
                    command, input=json.dumps(asdict(whole)), capture_output=True, text=True, timeout=PATIENCE
                )
                assert done.returncode == 0, done.stderr
                return Result(**json.loads(done.stdout))
        finally:
            valkey.stop()


def compare(plan: Plan, rounds: int = 3) -> dict[str, Result]:
    """Measure the servers in turns; the median of each figure."""
    results: dict[str, list[Result]] = {name: [] for name in PEERS}
    for _ in range(rounds):
        for name in PEERS:
            results[name].append(measure(plan, name))
    return {name: middle(found) for name, found in results.items()}


def middle(results: list[Result]) -> Result:
    """Take the median of every figure; of losses, the worst."""
    fields = {name: statistics.median(getattr(r, name) for r in results) for name in ("seconds", "cpu", "p50", "p99")}
    fields["kilobytes"] = statistics.median(r.kilobytes for r in results)
    worst = {name: max(getattr(r, name) for r in results) for name in ("lost", "doubled", "misordered")}
    return Result(deliveries=min(r.deliveries for r in results), **fields, **worst)


def plan(**fields: object) -> Plan:
    return Plan(server="", pid=0, redis="", socket="", **fields)  # type: ignore[arg-type]


A = plan(channels=1, sockets=1000, count=600, window=1)
A_MANY = plan(channels=1, sockets=1000, count=1000, window=16)
A_PACED = plan(channels=1, sockets=1000, count=80, rate=20)
B = plan(channels=500, sockets=500, count=100_000, window=500)
B_PACED = plan(channels=500, sockets=500, count=20_000, rate=5000)
D_ONCE = plan(channels=1, sockets=10, count=2500, rate=500, kill="once")
D_SECOND = plan(channels=1, sockets=10, count=2500, rate=500, kill="second")


def speed(title: str, plan: Plan, target: str) -> Iterator[Row]:
    """Compare how much CPU a delivery costs."""
    found = compare(plan)
    best = found["ceiling"].cpu
    for name, result in found.items():
        yield Row(title, name, {
            "per second": f"{result.deliveries / result.seconds:,.0f}",
            "per CPU second": f"{1e6 / result.cpu:,.0f}",
            "CPU us": f"{result.cpu:.2f}",
            "x ceiling": f"{result.cpu / best:.2f}",
            "p50 / p99 ms": f"{result.p50:.2f} / {result.p99:.2f}",
            "KB per socket": f"{result.kilobytes:.1f}",
            "lost": f"{result.lost}",
            "target": target if name == "quarterdeck" else "",
        })  # fmt: skip


def fan_out() -> Iterator[Row]:
    """Row A."""
    yield from speed("A: 1 x 1,000, one message after the other", A, "250,000 per CPU second, 1.18 x ceiling")
    yield from speed("A: 1 x 1,000, 16 messages in flight", A_MANY, "1.18 x ceiling")
    yield from speed("A: 1 x 1,000, 20 a second", A_PACED, "p99 12 ms")


def many_channels() -> Iterator[Row]:
    """Row B."""
    yield from speed("B: 500 x 1, as fast as it goes", B, "60,000 per CPU second")
    yield from speed("B: 500 x 1, 5,000 a second", B_PACED, "30 us, p99 2 ms")


def losses() -> Iterator[Row]:
    """Row D."""
    for title, plan in (("D: killed once", D_ONCE), ("D: killed for a second", D_SECOND)):
        for name in PEERS:
            result = measure(plan, name)
            yield Row(title, name, {
                "lost": f"{result.lost}", "doubled": f"{result.doubled}", "misordered": f"{result.misordered}",
                "target": "0 / 0 / 0" if name == "quarterdeck" else "",
            })  # fmt: skip


ROWS = {"A": fan_out, "B": many_channels, "D": losses}
