"""`/asyncapi.json` and `/docs/socket`: what travels on the socket, for machines and for people."""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.asyncapi import FILE
from server.routes.reference.html import HEADERS, SHARED
from server.routes.reference.socket import page


class Reference:
    """Serve the document as it was generated, and its page, made once."""

    def __init__(self) -> None:
        self._text = FILE.read_bytes()
        self._page = page(json.loads(self._text))

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/asyncapi.json", self.read), Route("/docs/socket", self.docs)]

    async def read(self, _: Request) -> Response:
        """`GET /asyncapi.json`."""
        return Response(self._text, media_type="application/json", headers=SHARED)

    async def docs(self, _: Request) -> Response:
        """`GET /docs/socket`."""
        return Response(self._page, media_type="text/html", headers=HEADERS)
