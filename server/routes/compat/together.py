"""`POST /api/crew`: the call that waits for the end, as a route of Next.js did it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.objects import State
from server.dispatch import Dispatch, Read
from server.routes.api.requests import json
from server.routes.asking import principal_of
from server.routes.compat import bodies, filling, shown
from server.routes.compat.door import Door
from server.routes.compat.ending import Endings
from server.routes.compat.refusals import answering, error
from server.routes.lasting import while_there

#: A call waits so long, in seconds: less than the five minutes after which `fetch` in Node gives up.
LIMIT = 280.0
PING = "ping"


class Together(Door):
    """Start, wait, and answer with everything."""

    def __init__(self, dispatch: Dispatch, default_crew: str, endings: Endings, *, limit: float = LIMIT) -> None:
        super().__init__(dispatch, default_crew)
        self.endings = endings
        self.limit = limit

    def routes(self) -> list[BaseRoute]:
        """List the route."""
        return [Route("/api/crew", answering(error, self.call), methods=["POST"])]

    async def call(self, request: Request) -> Response:
        """Run the crew without the request's checkpoints; a client that leaves, or may not wait, cancels nothing."""
        raw, body = await bodies.read(request, bodies.Together)
        if body.ping in (True, PING) or filling.text_of(raw) == PING:
            return json({"status": "ok", "message": "pong"})
        crew = await self.crew(request, body.crew)
        execution = await self.start(request, crew, filling.inputs(crew, raw), [])
        ended = await self._wait(request, execution)
        if ended is None:
            return Response(status_code=204)  # nobody reads it
        return self._answer(await self.read(request, execution), ended=ended)

    async def _wait(self, request: Request, execution: ExecutionId) -> bool | None:
        """Tell whether it has ended in time; None when nobody waits for it any more."""
        try:
            return await while_there(request, lambda: self.endings.until(principal_of(request), execution, self.limit))
        except Refused as refused:
            raise Refused(refused.code, refused.message, execution_id=execution) from None

    def _answer(self, read: Read, *, ended: bool) -> Response:
        execution = read.execution
        if execution.state is State.COMPLETED:
            return json(shown.whole(execution))
        raise failed(execution.id, why(read, self.limit) if not ended else end_of(read))


def why(read: Read, limit: float) -> str:
    """Say what an execution waits for that has not ended in time."""
    waiting = shown.open_ones(read.checkpoints)
    doing = f"waits for a person at {waiting[0].name!r}" if waiting else "is still at work"
    return f"After {limit:g} s the execution {doing}. It goes on: see GET /api/crew/status/{read.execution.id}."


def end_of(read: Read) -> str:
    """Say how an execution ended that gave no result."""
    fault = read.execution.error
    return fault.message if fault else f"The execution was {read.execution.state}."


def failed(execution: ExecutionId, message: str) -> Refused:
    """Say that there is no result."""
    return Refused(ErrorCode.INTERNAL, message, execution_id=execution)
