"""Dropping the files of executions whose retention is over."""

import time
from datetime import timedelta

import anyio.to_thread
import structlog

from protocol.ids import ExecutionId
from server.files import Files
from server.store import Store

log = structlog.get_logger("server.worker")
#: Seconds between two sweeps.
EVERY = 600.0
#: Folders that are looked at in one sweep.
MOST = 500


class Sweep:
    """Drop the folders that nobody has written to for as long as executions are kept, and that Redis knows no more."""

    def __init__(self, files: Files, store: Store, retention: timedelta) -> None:
        self.files = files
        self.store = store
        self.retention = retention
        self._next = float("-inf")

    async def when_due(self) -> None:
        """Sweep, unless that was done lately."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            await self.sweep()

    async def sweep(self) -> int:
        """Drop what is over, and tell how many executions it was."""
        dropped = 0
        for name in await anyio.to_thread.run_sync(self.files.untouched, self.retention.total_seconds(), MOST):
            if not await self.store.known(ExecutionId(name)):
                await anyio.to_thread.run_sync(self.files.drop, name)
                dropped += 1
        if dropped:
            log.info("files.dropped", executions=dropped)
        return dropped
