"""`view`: who looks at which checkpoint over this process's connections, told to everybody through Redis.

Nothing of it is logged. What changes is gathered for a moment and said in one go; what stays is said again now and
then, because Redis forgets whoever is not spoken of: so a process that dies takes its viewers with it.
"""

import asyncio
import logging
from dataclasses import replace

import anyio

from protocol.commands import View
from protocol.errors import ErrorCode, Refused
from protocol.frames import Viewer
from protocol.ids import ConnectionId
from server.auth import Principal
from server.dispatch.deliberate import open_record
from server.dispatch.work import Work
from server.store import Seat
from server.store.client import OUTAGE

logger = logging.getLogger(__name__)
#: Changes are gathered for so long, in seconds: nobody is told of more than four in a second.
SETTLE = 0.25
#: A word that could not be said is tried again after so long, in seconds.
PAUSE = 1.0
#: One connection looks at so many checkpoints at most.
MOST_SEATS = 20


class Views:
    """Keep what this process's connections look at. `run` tells Redis; the other methods only note."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._seats: dict[ConnectionId, dict[Seat, Viewer]] = {}
        #: What Redis was not told yet; None for a seat that was left.
        self._news: dict[Seat, Viewer | None] = {}
        self._wake = asyncio.Event()

    async def look(self, command: View, principal: Principal, connection: ConnectionId) -> None:
        """Note that a connection looks at a checkpoint, or does no longer; refuse one that waits for nobody."""
        seat = Seat(principal.tenant, connection, command.execution, command.checkpoint)
        if command.state is None:
            self._rise(seat)
            return
        if seat not in self._seats.get(connection, ()):
            await self._check(seat)
        viewer = Viewer(id=connection, name=principal.name, state=command.state, person=principal.id)
        self._seats.setdefault(connection, {})[seat] = viewer
        self._note(seat, viewer)

    async def _check(self, seat: Seat) -> None:
        work = replace(self._work, store=self._work.store.of(seat.tenant))
        await open_record(work, seat.execution, seat.checkpoint)
        if len(self._seats.get(seat.connection, ())) >= MOST_SEATS:
            raise Refused(ErrorCode.OVER_QUOTA, "This connection looks at too many checkpoints.", limit=MOST_SEATS)

    def leave(self, connection: ConnectionId) -> None:
        """Note that a connection has ended."""
        for seat in self._seats.pop(connection, {}):
            self._note(seat, None)

    def _rise(self, seat: Seat) -> None:
        seats = self._seats.get(seat.connection, {})
        if seats.pop(seat, None) is not None:
            self._note(seat, None)
        if not seats:
            self._seats.pop(seat.connection, None)

    def _note(self, seat: Seat, viewer: Viewer | None) -> None:
        self._news[seat] = viewer
        self._wake.set()

    async def run(self) -> None:
        """Say what changes as it does, and all of it often enough to be believed, until cancelled."""
        again = self._work.store.viewer_patience / 3
        due = anyio.current_time() + again
        while True:
            with anyio.move_on_at(due):
                await self._wake.wait()
                await anyio.sleep(SETTLE)
            if anyio.current_time() >= due:
                self._news = self._all() | self._news
                due = anyio.current_time() + again
            if not await self.tell():
                await anyio.sleep(PAUSE)

    async def tell(self) -> bool:
        """Say what is new; false when Redis is away, and it must be said again."""
        news, self._news = self._news, {}
        self._wake.clear()
        try:
            await self._work.store.show(news)
        except OUTAGE as error:
            logger.warning("who looks at what cannot be told: %s", error)
            self._news = news | self._news
            return False
        return True

    def _all(self) -> dict[Seat, Viewer | None]:
        return {seat: viewer for seats in self._seats.values() for seat, viewer in seats.items()}
