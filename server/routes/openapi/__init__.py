"""`/openapi.json`: what there is over HTTP, for machines. `python -m server.routes.openapi` writes the copy in Git."""

from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.routes.openapi.document import text


class OpenApi:
    """Serve the document, made once."""

    def __init__(self) -> None:
        self._text = text(version("quarterdeck"))

    def routes(self) -> list[BaseRoute]:
        """List the route."""
        return [Route("/openapi.json", self.read)]

    async def read(self, _: Request) -> Response:
        """`GET /openapi.json`."""
        return Response(self._text, media_type="application/json", headers={"cache-control": "no-cache"})
