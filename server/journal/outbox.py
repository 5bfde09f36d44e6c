"""The outbox of one attempt: everything a crew says, written to Redis in order and exactly once.

A crew says things from many threads and may not wait; Redis may be away for a while. So what is said is queued, one
writer sends it in batches, and a batch whose answer was lost is sent again: each write has a number under the lease,
and the commit script does not apply a number twice.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, replace

import anyio
import msgspec

from protocol.frames import Delta
from protocol.ids import ExecutionId
from server.execution import Verdict
from server.scripts import Commit
from server.store import Store, Write
from server.store.client import OUTAGE, ScriptsLost

#: Deltas wait this long for company, in seconds, unless they are this large together, in characters.
DELTA_WAIT = 0.03
DELTA_SIZE = 1024
#: Writes sent in one round trip.
BATCH = 200
#: Said, but not yet written: more than this means that Redis is away for too long.
MAX_PENDING = 20_000
LONGEST_BACKOFF = 1.0
DONE = frozenset({Verdict.APPLIED, Verdict.DUPLICATE})


class LeaseLost(Exception):
    """Raised when another worker holds the execution, or it has ended: nothing more can be written."""


@dataclass(eq=False, slots=True)
class Pending:
    """Something said that waits for its turn, and who waits for it."""

    write: Write | Delta
    written: asyncio.Future[Commit] | None = None


class Outbox:
    """Queue what is said; `run` writes it for as long as the crew runs."""

    def __init__(self, store: Store, execution: ExecutionId, fence: int) -> None:
        self.store = store
        self.execution = execution
        self.fence = fence
        self.lost = False
        self._loop = asyncio.get_running_loop()
        self._pending: deque[Pending] = deque()
        self._sending: list[Pending] = []
        self._said = asyncio.Event()
        self._written = asyncio.Event()
        self._number = 0
        self._indexes: dict[str, int] = {}

    def say(self, write: Write | Delta, written: asyncio.Future[Commit] | None = None) -> None:
        """Queue a write or a delta. Quick, from any thread; dropped once the lease is lost."""
        if len(self._pending) >= MAX_PENDING:
            self.lost = True  # the crew is recovered when Redis is back; until then nothing could be kept anyway
        if not self.lost:
            self._pending.append(Pending(write, written))
        self._loop.call_soon_threadsafe(self._said.set)

    async def write(self, write: Write) -> Commit:
        """Queue a write and wait until it is durable; raises `LeaseLost`."""
        written: asyncio.Future[Commit] = self._loop.create_future()
        self.say(write, written)
        if self.lost:
            raise LeaseLost(self.execution)
        return await written

    async def drain(self) -> None:
        """Wait until everything said so far is written, or the lease is lost."""
        while (self._pending or self._sending) and not self.lost:
            self._written.clear()
            await self._written.wait()

    async def run(self) -> None:
        """Write what is said, until cancelled; raises `LeaseLost` when nothing can be written any more."""
        try:
            while True:
                await self._wait()
                self._sending = self._batch()
                self._settle(await self._send([pending.write for pending in self._sending]))
                self._written.set()
        finally:
            self._give_up()

    async def _wait(self) -> None:
        while not self._pending and not self.lost:
            self._said.clear()
            await self._said.wait()
        with anyio.move_on_after(DELTA_WAIT):
            while self._characters() < DELTA_SIZE and not self.lost:
                self._said.clear()
                await self._said.wait()
        if self.lost:
            raise LeaseLost(self.execution)

    def _characters(self) -> int:
        """Count the text that waits; an event among it makes it urgent."""
        size = 0
        for pending in self._pending:
            if isinstance(pending.write, Write):
                return DELTA_SIZE
            size += len(pending.write.text)
        return size

    def _batch(self) -> list[Pending]:
        taken: list[Pending] = []
        while self._pending and len(taken) < BATCH:
            pending = self._pending.popleft()
            if isinstance(pending.write, Write):
                self._number += 1
                pending.write = replace(pending.write, number=self._number)
                taken.append(pending)
            elif not self._joined(taken, pending.write):
                taken.append(Pending(self._indexed(pending.write)))
        return taken

    def _joined(self, taken: list[Pending], delta: Delta) -> bool:
        last = taken[-1].write if taken else None
        if not isinstance(last, Delta) or last.stream != delta.stream:
            return False
        taken[-1].write = msgspec.structs.replace(last, text=last.text + delta.text)
        return True

    def _indexed(self, delta: Delta) -> Delta:
        index = self._indexes.get(delta.stream, 0)
        self._indexes[delta.stream] = index + 1
        return msgspec.structs.replace(delta, index=index)

    async def _send(self, writes: list[Write | Delta]) -> list[Commit]:
        backoff = 0.02
        while not self.lost:
            try:
                return await self.store.commit_all(self.execution, writes, self.fence)
            except ScriptsLost:
                await self._load()
            except OUTAGE:
                await anyio.sleep(backoff)
                backoff = min(LONGEST_BACKOFF, backoff * 2)
        raise LeaseLost(self.execution)

    async def _load(self) -> None:
        try:
            await self.store.scripts.load()
        except OUTAGE:
            await anyio.sleep(0.02)

    def _settle(self, commits: list[Commit]) -> None:
        appended = [pending for pending in self._sending if isinstance(pending.write, Write)]
        for pending, commit in zip(appended, commits, strict=True):
            if commit.verdict not in DONE:
                raise LeaseLost(f"{self.execution}: {commit.verdict} in {commit.state}")
            if pending.written and not pending.written.done():
                pending.written.set_result(commit)
        self._sending = []

    def _give_up(self) -> None:
        self.lost = True
        for pending in (*self._sending, *self._pending):
            if pending.written and not pending.written.done():
                pending.written.set_exception(LeaseLost(self.execution))
        self._sending = []
        self._pending.clear()
        self._written.set()
