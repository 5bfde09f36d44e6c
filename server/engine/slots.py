"""The bound on crews that work at once in this worker, and the spacing of their starts."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

#: Starting a crew takes the loop for some ten milliseconds; many at once would stall it for seconds.
STAGGER = 0.005


class Slots:
    """Hand out slots, in the order they were asked for."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = anyio.CapacityLimiter(total)
        self._starting = anyio.Lock()
        self._last = 0.0

    @property
    def taken(self) -> int:
        """How many slots are in use."""
        return self._free.borrowed_tokens

    async def take(self, crew: anyio.CapacityLimiter | None = None) -> "Slot":
        """Wait for a free slot, the crew's own bound included, and for the previous start to be a while ago."""
        slot = Slot((self._free,) if crew is None else (crew, self._free))
        await slot.take()
        try:
            async with self._starting:
                await anyio.sleep(max(0.0, self._last + STAGGER - time.monotonic()))
                self._last = time.monotonic()
        except BaseException:
            slot.release()
            raise
        return slot


class Slot:
    """One execution's slot. While all that the crew does is wait for people, others may have it."""

    def __init__(self, bounds: Sequence[anyio.CapacityLimiter]) -> None:
        self._bounds = bounds
        self._held = False
        self._back = anyio.Lock()
        #: Set while the slot is not held.
        self.free = asyncio.Event()

    async def take(self) -> None:
        """Wait for the slot. Bounds are taken in one order everywhere, so that nobody waits in a circle."""
        async with AsyncExitStack() as taken:
            for bound in self._bounds:
                await bound.acquire_on_behalf_of(self)
                taken.callback(bound.release_on_behalf_of, self)
            taken.pop_all()
        self._held = True
        self.free.clear()

    def release(self) -> None:
        """Give the slot back for good, if it is held."""
        if self._held:
            self._held = False
            self.free.set()
            for bound in self._bounds:
                bound.release_on_behalf_of(self)

    @asynccontextmanager
    async def idle(self) -> AsyncIterator[None]:
        """Lend the slot to others for as long as the block waits; take it back before the crew goes on."""
        self.release()
        yield
        async with self._back:
            if not self._held:
                await self.take()
