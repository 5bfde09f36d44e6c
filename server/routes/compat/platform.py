"""CrewAI's own platform: `/kickoff`, `/status/{id}`, `/resume`, `/inputs`, for clients that were written for it."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import List
from protocol.errors import ErrorCode, Refused
from protocol.objects import Checkpoint
from server.execution import ENDS
from server.routes.api.requests import execution_of, json
from server.routes.asking import principal_of
from server.routes.compat import bodies, platform_shown
from server.routes.compat.door import Door, named
from server.routes.compat.notified import endpoints
from server.routes.compat.refusals import answering, platform
from server.routes.compat.shown import open_ones

#: What a resumed execution is answered with, by whether its work was approved.
RESUMED = {
    True: ("resumed", "Execution resumed successfully"),
    False: ("retrying", "Task will be retried with your feedback"),
}


class Platform(Door):
    """The contract of CrewAI's platform."""

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [
            Route("/kickoff", answering(platform, self.kickoff), methods=["POST"]),
            Route("/status/{execution}", answering(platform, self.status)),
            Route("/resume", answering(platform, self.resume), methods=["POST"]),
            Route("/inputs", answering(platform, self.inputs)),
        ]

    async def kickoff(self, request: Request) -> Response:
        """`POST /kickoff`: start, and answer with the id."""
        _, body = await bodies.read(request, bodies.Kickoff)
        only_what_is_kept(body, ("webhooks", "restoreFromStateId"))
        crew = await self.crew(request, body.crew)
        execution = await self.start(request, crew, body.inputs, body.checkpoints, endpoints(body))
        return json({"kickoff_id": execution})

    async def status(self, request: Request) -> Response:
        """`GET /status/{id}`: where it is, and what it gave."""
        read = await self.read(request, execution_of(request))
        return json(platform_shown.status(read.execution, read.checkpoints))

    async def resume(self, request: Request) -> Response:
        """`POST /resume`: approve a task's work, or have it done again."""
        _, body = await bodies.read(request, bodies.Resume)
        only_what_is_kept(body, ("webhooks",))
        read = await self.read(request, body.execution_id)
        if read.execution.state in ENDS or not open_ones(read.checkpoints):
            raise Refused(ErrorCode.CONFLICT, "Execution is not in pending human input state")
        checkpoint = at_task(read.checkpoints, body.task_id)
        action = "continue" if body.is_approve else "revise"
        feedback = body.human_feedback.strip() or None
        await self.decide(request, checkpoint, action, feedback, endpoints=endpoints(body))
        word, message = RESUMED[body.is_approve]
        return json({"status": word, "message": message})

    async def inputs(self, request: Request) -> Response:
        """`GET /inputs`: the names of what the crew needs."""
        await self.dispatch.permit(List(what="crews"), principal_of(request))
        crew = await self.crew(request, request.query_params.get("crew"))
        return json({"inputs": crew.inputs.get("required", [])})


def at_task(checkpoints: Sequence[Checkpoint], name: str) -> Checkpoint:
    """Find what waits at a task; its checkpoint's id or name will do."""
    for checkpoint in open_ones(checkpoints):
        if checkpoint.task == name:
            return checkpoint
    return named(checkpoints, name)


def only_what_is_kept(body: bodies.Webhooks, names: Sequence[str]) -> None:
    """Refuse a promise that could not be kept: CrewAI's own stream of events, and the state of an earlier run."""
    if asked := [name for name in names if getattr(body, name) is not None]:
        raise Refused(
            ErrorCode.BAD_FIELD,
            f"This server does not honour {', '.join(asked)}: leave it out. Instead of a stream of events, follow "
            "GET /api/v1/executions/ID/events, or give `webhooks` to POST /api/v1/executions.",
        )
