"""The files that an execution's tasks wrote, to be downloaded."""

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Get
from protocol.errors import ErrorCode, Refused
from server.dispatch import Dispatch
from server.files import Files, content_type
from server.routes.api.requests import Resource, execution_of

#: A crew's words may be anything, a page with scripts included: it is saved, and never shown as one of ours.
GUARDS = {"x-content-type-options": "nosniff", "content-security-policy": "sandbox", "cache-control": "no-cache"}


class Downloads(Resource):
    """`/executions/{id}/files`."""

    def __init__(self, dispatch: Dispatch, files: Files) -> None:
        super().__init__(dispatch)
        self.files = files

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/executions/{execution}/files/{name:path}", self.download)]

    async def download(self, request: Request) -> Response:
        """`GET …/files/{name}`: the file, for whoever may read the execution."""
        execution, name = execution_of(request), request.path_params["name"]
        await self.handle(request, Get(execution=execution))
        path = await anyio.to_thread.run_sync(self.files.find, execution, name)
        if path is None:
            raise Refused(ErrorCode.NOT_FOUND, f"The execution has no file {name[:200]!r} here.")
        return FileResponse(path, headers=GUARDS, media_type=content_type(path.name), filename=path.name)
