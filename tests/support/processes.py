"""Processes of the server as an operator runs them, under a test's control; what they write is kept."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from tests.support.client import Client, connected
from tests.support.http import Answer, ask
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "tests" / "support" / "project"
#: The story crew, and three that are wrong in different ways.
CREWS = "story=story:crew,failing=faulty:failing,unbuildable=faulty:unbuildable,unimportable=unimportable:crew"
#: Importing crewai takes some seconds; on a busy machine many.
START_LIMIT = 60.0


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Make the environment of a process: nothing of this one's but what a shell needs, and no secrets."""
    plain = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "HYPOTHESIS_STORAGE") if name in os.environ}
    return {
        **plain, "HOME": str(folder), "PYTHONPATH": str(ROOT), "QUARTERDECK_PROJECT": str(PROJECT),
        "QUARTERDECK_CREWS": CREWS, "QUARTERDECK_RATE_LIMITS": "off", "QUARTERDECK_DEMO_SPEED": "0", **settings,
    }  # fmt: skip


@functools.cache
def lifeline() -> int:
    """Open a pipe that the kernel closes when this test process dies, however: then its servers end, too."""
    reading, _ = os.pipe()
    return reading


class Process:
    """One process: `python -m server ROLE`."""

    def __init__(self, role: str, folder: Path, environ: Mapping[str, str], *, listening: socket.socket | None = None):
        self.role = role
        self.arguments = [role] if role else []
        self.folder = folder
        self.environ = dict(environ)
        self.listening = listening
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"{self.role}-{id(self):x}-{self.starts}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, or start it again."""
        self.starts += 1
        handed = [lifeline()]
        environ = {**self.environ, "QUARTERDECK_LIFELINE": str(lifeline())}
        if self.listening:
            handed.append(self.listening.fileno())
            environ["QUARTERDECK_SOCKET"] = str(self.listening.fileno())
        with open(self._file("out"), "wb") as out, open(self._file("err"), "wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server", *self.arguments],
                env=environ, cwd=self.folder, pass_fds=handed, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True,
            )  # fmt: skip

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, timeout: float = 30) -> int:
        """Wait for its end, and give the exit code."""
        assert self.process is not None
        return self.process.wait(timeout)

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = 30) -> int:
        """End it by a signal, and give the exit code."""
        self.send(number)
        return self.wait(timeout)

    def clear(self) -> None:
        """Make sure that it is gone."""
        if self.alive:
            self.stop(signal.SIGKILL)

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}"

    @property
    def out(self) -> str:
        return self._file("out").read_text()

    @property
    def err(self) -> str:
        return self._file("err").read_text()

    def lines(self) -> Iterator[dict[str, Any]]:
        """Read the log, which is JSON lines when nobody looks."""
        for line in self.err.splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)

    def said(self, event: str) -> list[dict[str, Any]]:
        """Find the log lines of one kind."""
        return [line for line in self.lines() if line["event"] == event]


class Web(Process):
    """A web process. The socket that it listens on is the test's, so that it is the same after a restart."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, role: str = "web") -> None:
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        super().__init__(role, folder, environ, listening=listening)
        self.port: int = listening.getsockname()[1]

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return ask(self.port, "GET", path)

    def connect(self, **options: Any) -> AbstractAsyncContextManager[Client]:
        """Connect a client."""
        return connected(self.port, **options)

    async def ready(self) -> None:
        """Wait until it says that all is well."""
        await wait_until(lambda: self.get("/readyz").status == 200, description="web is ready", timeout=START_LIMIT)

    def clear(self) -> None:
        super().clear()
        assert self.listening is not None
        self.listening.close()


class WorkerProcess(Process):
    """A worker."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__("worker", folder, environ)

    @property
    def ident(self) -> str:
        """The name by which executions know it; empty before it is ready."""
        ready = self.said("worker.ready")
        return str(ready[0]["worker"]) if ready else ""

    async def ready(self) -> None:
        """Wait until it has loaded the crews."""
        await wait_until(lambda: bool(self.ident), description="the worker is ready", timeout=START_LIMIT)
