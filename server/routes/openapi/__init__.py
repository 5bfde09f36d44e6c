"""`/openapi.json` and `/docs`: what there is over HTTP, for machines and for people.

`python -m server.routes.openapi` writes the document's copy in Git.
"""

from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.routes.openapi.document import document, written
from server.routes.openapi.page import page
from server.routes.reference.html import HEADERS, SHARED


class OpenApi:
    """Serve the document and its page, each made once."""

    def __init__(self) -> None:
        described = document(version("quarterdeck"))
        self._text = written(described)
        self._page = page(described)

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/openapi.json", self.read), Route("/docs", self.docs)]

    async def read(self, _: Request) -> Response:
        """`GET /openapi.json`."""
        return Response(self._text, media_type="application/json", headers=SHARED)

    async def docs(self, _: Request) -> Response:
        """`GET /docs`."""
        return Response(self._page, media_type="text/html", headers=HEADERS)
