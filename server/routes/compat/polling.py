"""`/api/crew/*`: start an execution, ask again and again where it is, answer its checkpoints."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Cancel, List
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.objects import Execution, State
from server.dispatch import Changed, Listing
from server.routes.api.requests import execution_of, json, number
from server.routes.compat import bodies, filling, shown
from server.routes.compat.door import Door, named
from server.routes.compat.refusals import answering, detail
from server.routes.compat.words import STATUS


class Polling(Door):
    """The contract that a front end polls."""

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        told = {
            ("execute", "POST"): self.execute,
            ("status/{execution}", "GET"): self.status,
            ("checkpoint/{execution}", "GET"): self.checkpoint,
            ("feedback", "POST"): self.feedback,
            ("executions", "GET"): self.list,
            ("execution/{execution}", "DELETE"): self.end,
        }
        return [
            Route(f"/api/crew/{path}", answering(detail, handler), methods=[method])
            for (path, method), handler in told.items()
        ]

    async def execute(self, request: Request) -> Response:
        """`POST /api/crew/execute`: start, and answer at once."""
        raw, body = await bodies.read(request, bodies.Execute)
        crew = await self.crew(request, body.crew)
        execution = await self.start(
            request, crew, filling.inputs(crew, raw), filling.checkpoints(crew, body.checkpoints)
        )
        return json(shown.Status(execution_id=execution, status=STATUS[State.RUNNING]))

    async def status(self, request: Request) -> Response:
        """`GET /api/crew/status/{id}`: where it is, and what it gave."""
        read = await self.read(request, execution_of(request))
        return json(shown.status(read.execution, read.checkpoints))

    async def checkpoint(self, request: Request) -> Response:
        """`GET /api/crew/checkpoint/{id}`: the checkpoint that waits; 204 when none does."""
        read = await self.read(request, execution_of(request))
        if read.execution.state in (State.COMPLETED, State.FAILED):
            return json({"detail": f"The execution is {STATUS[read.execution.state]}: no checkpoint waits."}, 400)
        waiting = shown.open_ones(read.checkpoints)
        return json(shown.question(waiting[0])) if waiting else Response(status_code=204)

    async def feedback(self, request: Request) -> Response:
        """`POST /api/crew/feedback`: answer a checkpoint."""
        _, body = await bodies.read(request, bodies.Feedback)
        checkpoint = named((await self.read(request, body.execution_id)).checkpoints, body.checkpoint_id)
        await self.decide(request, checkpoint, body.action, body.feedback, body.version)
        return json({
            "status": "feedback_received", "action": body.action, "execution_id": body.execution_id,
            "checkpoint_id": body.checkpoint_id,
        })  # fmt: skip

    async def list(self, request: Request) -> Response:
        """`GET /api/crew/executions?limit=&cursor=`: newest first."""
        limit = number(request, "limit", 50, lowest=1, highest=200)
        command = List(what="executions", limit=limit, cursor=request.query_params.get("cursor"))
        listing: Listing = await self.handle(request, command)
        found = [await self._listed(request, item.id) for item in listing.items if isinstance(item, Execution)]
        more = {"next": listing.next} if listing.next else {}
        return json({"executions": [each for each in found if each is not None], **more})

    async def _listed(self, request: Request, execution: str) -> shown.Listed | None:
        try:
            read = await self.read(request, execution)
        except Refused as refused:
            if refused.code is not ErrorCode.NOT_FOUND:
                raise
            return None  # its time was over in this moment
        return shown.listed(read.execution, read.checkpoints)

    async def end(self, request: Request) -> Response:
        """`DELETE /api/crew/execution/{id}`: end it wherever it is; what it did is kept for as long as any."""
        execution: ExecutionId = execution_of(request)
        try:
            changed: Changed = await self.handle(request, Cancel(execution=execution))
            state = changed.state
        except Refused as refused:
            if refused.code is not ErrorCode.ENDED:
                raise
            state = refused.detail["state"]
        return json({"execution_id": execution, "status": STATUS[state]})
