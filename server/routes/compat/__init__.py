"""Contracts that front ends were written for before this server: what they send works here unchanged.

`/api/crew/*` is polled, `POST /api/crew` waits for the end, and `/kickoff` is CrewAI's own platform. All of them go
through the dispatch that sockets use, so that a checkpoint has one winner, whichever door the answer came by.
`words`, `shown`, `filling` and `platform_shown` translate, and do no I/O.
"""

from starlette.routing import BaseRoute

from server.dispatch import Dispatch
from server.hub import Hub
from server.routes.compat.ending import Endings
from server.routes.compat.platform import Platform
from server.routes.compat.polling import Polling
from server.routes.compat.together import LIMIT, Together


class Compat:
    """All of these contracts over a dispatch. `default_crew`: what runs where a request names none."""

    def __init__(self, dispatch: Dispatch, hub: Hub, default_crew: str, *, limit: float = LIMIT) -> None:
        self.endings = Endings(dispatch, hub)
        self.polling = Polling(dispatch, default_crew)
        self.together = Together(dispatch, default_crew, self.endings, limit=limit)
        self.platform = Platform(dispatch, default_crew)

    def routes(self) -> list[BaseRoute]:
        """List the routes, from the root."""
        return [route for door in (self.polling, self.together, self.platform) for route in door.routes()]

    async def drain(self) -> None:
        """Take leave of those who wait."""
        await self.endings.drain()
