"""`/api/v1`: executions, checkpoints, crews, conversations. Every change goes through the dispatch that sockets use."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Filter
from server.dispatch import Dispatch
from server.files import Files
from server.hub import Hub
from server.routes.api.checkpoints import Checkpoints
from server.routes.api.deliveries import Deliveries
from server.routes.api.events import EventLog
from server.routes.api.executions import Executions
from server.routes.api.files import Downloads
from server.routes.api.requests import Resource
from server.routes.api.tickets import TicketOffice
from server.routes.places import Places


class Api(Resource):
    """The REST interface over a dispatch; events come by the hub that sockets use, and streams of them take places."""

    def __init__(self, dispatch: Dispatch, hub: Hub, files: Files, places: Places) -> None:
        super().__init__(dispatch)
        self.executions = Executions(dispatch)
        self.checkpoints = Checkpoints(dispatch)
        self.deliveries = Deliveries(dispatch)
        self.events = EventLog(dispatch, hub, places)
        self.downloads = Downloads(dispatch, files)
        self.tickets = TicketOffice(dispatch)

    def routes(self) -> list[BaseRoute]:
        """List the routes, below `/api/v1`."""
        parts = (self.executions, self.checkpoints, self.deliveries, self.events, self.downloads, self.tickets)
        lists = [Route("/crews", self.crews), Route("/conversations", self.conversations)]
        return [*lists, *(route for part in parts for route in part.routes())]

    async def crews(self, request: Request) -> Response:
        """`GET /crews`."""
        return await self.page(request, "crews", Filter())

    async def conversations(self, request: Request) -> Response:
        """`GET /conversations`: the one that was last spoken in first."""
        return await self.page(request, "conversations", Filter())
