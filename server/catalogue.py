"""The catalogue of crews, as a process that does not import them knows it: from Redis, kept for a moment."""

import time
from collections.abc import Collection

from protocol.errors import ErrorCode, Refused
from protocol.objects import Crew
from server.store import Workers

#: How long what was read is believed, in seconds. Workers report anew only when they start.
FRESH = 1.0


class Catalogue:
    """The crews that are registered here, as workers last reported them."""

    def __init__(self, workers: Workers, names: Collection[str]) -> None:
        self._workers = workers
        self.names = list(names)
        self._crews: dict[str, Crew] = {}
        self._read = float("-inf")

    async def crews(self) -> dict[str, Crew]:
        """Give the reported crews, in the order of their registration."""
        if time.monotonic() - self._read > FRESH:
            stored = await self._workers.catalogue()
            self._crews = {name: stored[name] for name in self.names if name in stored}
            self._read = time.monotonic()
        return self._crews

    async def crew(self, name: str) -> Crew:
        """Give one crew that can run, or raise `Refused`."""
        if name not in self.names:
            raise Refused(
                ErrorCode.UNKNOWN_CREW, f"No crew is registered as {name!r}; there is {', '.join(self.names)}."
            )
        crew = (await self.crews()).get(name)
        if crew is None:
            self._read = float("-inf")
            raise Refused(ErrorCode.UNAVAILABLE, f"No worker has reported the crew {name!r} yet.", retry_after=1.0)
        if crew.broken:
            raise Refused(ErrorCode.CREW_BROKEN, f"The crew {name!r} cannot be loaded.", reason=crew.broken)
        return crew

    async def reported(self) -> bool:
        """Tell whether live workers have reported every registered crew."""
        known = {name for worker in await self._workers.live() for name in worker.crews}
        return known >= set(self.names)
