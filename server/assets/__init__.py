"""Serve the page from static/: its modules and style sheets joined to few files, under a strict policy.

No build step: all is made from the files as they lie on disk when the server starts. The import map in the page sends
each part of the modules to a URL with the content's hash, so that browsers may keep it for ever, and carries the hash
that it must have to run. A page names in advance what its view needs; the rest comes when it is first used.
"""

from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from server.assets.files import File, find_root
from server.assets.page import Page
from server.assets.views import view_of

__all__ = ["Assets", "find_root"]

ICON = "ui/icons/favicon.svg"
FOREVER = "public, max-age=31536000, immutable"
SAFE = {"x-content-type-options": "nosniff", "vary": "accept-encoding"}


class Assets:
    """The page and its files, read once when the server starts."""

    def __init__(self, root: Path) -> None:
        page = Page(root)
        self.files = page.files
        self.rendered = lru_cache(maxsize=16)(page.render)

    def routes(self) -> list[BaseRoute]:
        """Make the routes of the page, of its deep links and of its files."""
        return [
            *(Route(path, self.page) for path in ("/", "/x/{execution}", "/x/{execution}/c/{checkpoint}")),
            Route("/static/{path:path}", self.file, name="static"),
            Route("/favicon.svg", self.icon),
        ]

    async def page(self, request: Request) -> Response:
        """Answer every page's path with the same document; its script reads the path."""
        prefix = request.scope.get("root_path", "").rstrip("/")
        document, policy = self.rendered(prefix, view_of(request.path_params))
        headers = {
            "content-security-policy": policy,
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
        }
        return _respond(request, document, cache="no-cache", headers=headers)

    async def file(self, request: Request) -> Response:
        """Answer with a public file, to be kept for ever when the URL names the right version."""
        found = self.files.get(request.path_params["path"])
        if found is None:
            return PlainTextResponse("Not found", 404, SAFE)
        current = request.query_params.get("v") == found.version
        return _respond(request, found, cache=FOREVER if current else "no-cache")

    async def icon(self, request: Request) -> Response:
        """Answer with the icon under its well-known name."""
        return _respond(request, self.files[ICON], cache="public, max-age=86400")


def _respond(request: Request, file: File, *, cache: str, headers: dict[str, str] | None = None) -> Response:
    etag = f'"{file.version}"'
    shared = {**SAFE, "cache-control": cache, "etag": etag, **(headers or {})}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=shared)
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, media_type=file.media_type, headers={**shared, "content-encoding": "gzip"})
    return Response(file.data, media_type=file.media_type, headers=shared)
