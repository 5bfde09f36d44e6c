"""Deliveries: what webhooks were told of an execution, and telling it again."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Deliveries as Listing
from protocol.commands import Resend
from protocol.replies import Resent
from server.routes.api.requests import Resource, execution_of, json, number


class Deliveries(Resource):
    """`/executions/{id}/deliveries`."""

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        all_of_them = "/executions/{execution}/deliveries"
        return [
            Route(all_of_them, self.list),
            Route(f"{all_of_them}/{{delivery}}/resend", self.resend, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """`GET …/deliveries?cursor=&limit=`: oldest first."""
        limit = number(request, "limit", 50, lowest=1, highest=200)
        cursor = request.query_params.get("cursor")
        command = Listing(execution=execution_of(request), cursor=cursor, limit=limit)
        return json(await self.handle(request, command))

    async def resend(self, request: Request) -> Response:
        """`POST …/deliveries/{delivery}/resend`: make it again, now."""
        command = Resend(execution=execution_of(request), delivery=request.path_params["delivery"])
        resent: Resent = await self.handle(request, command)
        return json(resent.delivery, 202)
