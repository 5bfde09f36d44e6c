"""The seconds that a crew has worked: all attempts at an execution together, waiting for people not counted."""

import asyncio

import anyio

from server.journal import ExecutionJournal

#: Under this step the journal keeps what earlier attempts worked, in seconds.
STEP = "worked"


class WorkClock:
    """Counts one attempt's work on top of that of earlier ones."""

    def __init__(self, journal: ExecutionJournal) -> None:
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._earlier = float(journal.recall(STEP) or 0)
        self._since = self._loop.time()

    @property
    def seconds(self) -> float:
        """Seconds worked so far."""
        return self._earlier + self._loop.time() - self._since - self._journal.quiet.total

    async def keep(self) -> None:
        """Record what was worked, before the attempt ends without the execution having ended."""
        await self._journal.record(STEP, f"{self.seconds:.3f}".encode())

    async def reach(self, seconds: float) -> None:
        """Wait until so much has been worked."""
        while (left := seconds - self.seconds) > 0:  # noqa: ASYNC110 - a sum that grows is no event
            await anyio.sleep(max(0.05, left))
