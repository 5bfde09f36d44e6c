"""Tickets: who cannot say who they are on the socket, says it here, and connects by a URL that is good once."""

import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Ping
from protocol.frames import timestamp
from protocol.replies import Ticket
from server.routes.api.requests import Resource, json
from server.routes.asking import visitor_of
from server.store.tickets import LIFE


class TicketOffice(Resource):
    """`/ticket`."""

    def routes(self) -> list[BaseRoute]:
        """List the route."""
        return [Route("/ticket", self.issue, methods=["POST"])]

    async def issue(self, request: Request) -> Response:
        """`POST /ticket`: make one for whoever sent the request; it counts as any command does."""
        visitor, now = visitor_of(request), time.time()
        await self.dispatch.permit(Ping(), visitor.principal)
        ends = min(now + LIFE, visitor.session.ends or now + LIFE)
        made = Ticket(ticket=await visitor.doorman.tickets.issue(visitor.session), expires_at=timestamp(ends))
        return json(made, 201, {"cache-control": "no-store"})
