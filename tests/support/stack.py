"""A whole installation on one machine: Valkey, web processes, workers."""

import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import msgspec
import redis

from protocol.ids import ExecutionId
from server import keys
from tests.support.client import Client
from tests.support.processes import Process, Web, WorkerProcess, environment
from tests.support.valkey import Valkey


@contextmanager
def installed(model: str, **shape: Any) -> Iterator["Stack"]:
    """Lay out an installation in a folder of its own, for `mend` to start; end all of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        stack = Stack(Path(folder), model, **shape)
        try:
            yield stack
        finally:
            stack.stop()


class Stack:
    """Start it, hurt it, mend it, stop it."""

    def __init__(
        self,
        folder: Path,
        model: str,
        *,
        webs: int = 1,
        workers: int = 1,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.valkey = Valkey(folder, durable=durable)
        given = {"TEST_MODEL": model, "TEST_LEDGER": str(folder / "ledger"), **(settings or {})}
        environ = environment(folder, QUARTERDECK_REDIS_URL=self.valkey.url, **given)
        self.webs = [Web(folder, environ) for _ in range(webs)]
        self.workers = [WorkerProcess(folder, environ) for _ in range(workers)]

    @property
    def port(self) -> int:
        """Where the first web process listens."""
        return self.webs[0].port

    @property
    def processes(self) -> list[Process]:
        return [*self.webs, *self.workers]

    async def mend(self) -> None:
        """Start or wake whatever is not running, and wait until everything works."""
        if self.valkey.process is None:
            self.valkey.start()
        for process in self.processes:
            if process.alive:
                process.send(signal.SIGCONT)
            else:
                process.start()
        async with anyio.create_task_group() as group:
            for worker in self.workers:
                group.start_soon(worker.ready)
        for web in self.webs:
            await web.ready()

    def stop(self) -> None:
        """End it, without ceremony."""
        for process in self.processes:
            process.clear()
        self.valkey.stop(signal.SIGKILL)

    def connect(self, web: int = 0, **options: Any) -> AbstractAsyncContextManager[Client]:
        """Connect a client to one of the web processes."""
        return self.webs[web].connect(**options)

    async def first_worker(self, client: Client, execution: str) -> WorkerProcess:
        """Find the worker that took an execution first, by the events that a client sees."""
        started = await client.find("execution.started", execution)
        return next(worker for worker in self.workers if worker.ident == started["data"]["worker"])

    def log(self, execution: str) -> list[bytes]:
        """Read an execution's events from Redis, as they are stored; their order and numbers are checked."""
        names = keys.execution(keys.OPEN_TENANT, ExecutionId(execution))
        with redis.Redis(unix_socket_path=self.valkey.socket) as client:
            entries: Any = client.xrange(names.log)
        offsets = [int(ident.partition(b"-")[0]) for ident, _ in entries]
        frames = [next(iter(fields.values())) for _, fields in entries]
        assert offsets == list(range(1, len(entries) + 1))
        assert offsets == [msgspec.json.decode(frame)["offset"] for frame in frames]
        return frames

    def logs(self, lines: int = 40) -> str:
        """Give the ends of all logs, for whoever reads about a failed test."""
        parts = [f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-lines:]) for path in self._files()]
        return "\n".join(parts)

    def _files(self) -> list[Path]:
        return [path for path in sorted(self.folder.glob("*.err")) if path.stat().st_size]
