"""Looking after what nobody looks after: executions whose worker died, deadlines that passed, files that are too old.

Every worker has one, and they take turns. It is a loop of its own and no task of the queue: a queue's repeating task is
handed on from run to run, and a worker that dies with it in its hands would stop it for everybody for a while.
"""

import anyio
import structlog

from server.app.sweep import Sweep
from server.engine.heartbeat import Heartbeat
from server.engine.worker import Worker
from server.queue import Queue
from server.store import Workers
from server.store.client import OUTAGE

#: How often somebody looks, in seconds.
EVERY = 2.0

log = structlog.get_logger("server.reaper")


class Reaper:
    """Find executions that nobody runs, and have them run."""

    def __init__(self, worker: Worker, workers: Workers, queue: Queue, heartbeat: Heartbeat, sweep: Sweep) -> None:
        self._worker = worker
        self._workers = workers
        self._queue = queue
        self._heartbeat = heartbeat
        self._sweep = sweep

    async def run(self) -> None:
        """Look, whenever it is this worker's turn, until cancelled."""
        while True:
            await anyio.sleep(EVERY / 2)
            try:
                if await self._workers.turn(self._worker.ident, EVERY):
                    await self.reap()
            except OUTAGE as error:
                log.warning("reap.late", error=str(error))
            except Exception:
                log.exception("reap.failed")  # of one execution, perhaps; the others must not wait for a restart

    async def reap(self) -> None:
        """Close checkpoints whose time is over, have executions advanced that nobody runs, and drop old files."""
        if not self._heartbeat.steady:
            return
        for member, offset in await self._worker.expire():
            await self._queue.advance(member, offset)
        for member in await self._worker.store.due():
            if (at := await self._worker.look(member)) is not None:
                await self._queue.advance(member, at)
        await self._sweep.when_due()
