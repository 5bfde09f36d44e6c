"""The processes: how soon they are there, and what they weigh."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.benchmarks.report import Row
from tests.support.http import ask
from tests.support.processes import ROOT

ROUNDS = 3
PATIENCE = 60.0


def start() -> Iterator[Row]:
    """Time from the command to the first page and to the ready line, on a data folder that exists."""
    figures = [_start() for _ in range(ROUNDS + 1)][1:]
    pages, readies = ([figure[n] for figure in figures] for n in (0, 1))
    yield Row("start", "quarterdeck serve: first page", {"seconds": f"{statistics.median(pages):.2f}"})
    yield Row("start", "quarterdeck serve: ready, the crew loaded", {"seconds": f"{statistics.median(readies):.2f}"})
    imports = [_seconds("import crewai") for _ in range(ROUNDS)]
    yield Row("start", "ceiling: import crewai", {"seconds": f"{statistics.median(imports):.2f}"})


def memory() -> Iterator[Row]:
    """Resident memory of each process of an idle installation, in MB; private pages tell what each one adds."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        process, _ = _launch(Path(folder))
        try:
            _until_ready(process)
            for name, one in sorted(_family(process.pid).items()):
                info = one.memory_full_info()
                yield Row("memory", name, {"RSS MB": f"{info.rss / 1e6:.0f}", "private MB": f"{info.uss / 1e6:.0f}"})
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    for name, code in (("ceiling: import starlette, uvicorn, redis", WEB), ("ceiling: import crewai", "import crewai")):
        yield Row("memory", name, {"RSS MB": _weight(code, "rss"), "private MB": _weight(code, "uss")})


WEB = "import starlette.applications, uvicorn, redis.asyncio, msgspec"


def _weight(code: str, kind: str) -> str:
    script = f"{code}\nimport psutil; print(psutil.Process().memory_full_info().{kind})"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, check=True, text=True)
    return f"{int(done.stdout.split()[-1]) / 1e6:.0f}"


def _seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)
    return time.perf_counter() - began


FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def _start() -> tuple[float, float]:
    if not FOLDERS:
        FOLDERS.append(tempfile.TemporaryDirectory(prefix="qd-"))
    began = time.perf_counter()
    process, port = _launch(Path(FOLDERS[0].name))
    try:
        while not _page(port):
            time.sleep(0.01)
        page = time.perf_counter() - began
        _until_ready(process)
        return page, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _launch(folder: Path) -> tuple[subprocess.Popen[str], int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    environ = {**os.environ, "PORT": str(port), "QUARTERDECK_DATA": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "server"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return process, port


def _page(port: int) -> bool:
    try:
        return ask(port, "GET", "/").status == 200
    except OSError:
        return False


def _until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Quarterdeck is ready"):
            return
    raise AssertionError("it did not become ready")


def _family(pid: int) -> dict[str, psutil.Process]:
    """Name the processes: the parent, its children by role, and the embedded server with its supervisor."""
    parent = psutil.Process(pid)
    found = {"serve (parent)": parent}
    for child in parent.children():
        found[child.cmdline()[-1]] = child
    for other in psutil.process_iter(["cmdline"]):
        line = " ".join(other.info["cmdline"] or [])
        if "valkey" in line and str(parent.environ()["QUARTERDECK_DATA"]) in line:
            found["supervisor of Valkey" if "supervisor" in line else "Valkey"] = other
    return found


ROWS = {"start": start, "memory": memory}
