"""What the existing contracts share: commands by the dispatch, the crew that is meant, the checkpoint that is meant."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from protocol.commands import Decide, Get, Start
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, Crew
from server.dispatch import Changed, Dispatch, Read, Started
from server.dispatch.webhooks import NONE, Endpoints
from server.routes.asking import principal_of
from server.routes.compat.shown import open_ones
from server.routes.compat.words import meant


class Door:
    """A way in for clients of another contract. `via`: how decisions that came by it are marked."""

    via = "compat"

    def __init__(self, dispatch: Dispatch, default_crew: str) -> None:
        self.dispatch = dispatch
        self.default_crew = default_crew

    async def handle(self, request: Request, command: Any, endpoints: Endpoints = NONE) -> Any:
        """Carry out a command for whoever sent the request, or raise `Refused`; `endpoints` hear what comes of it."""
        return await self.dispatch.handle(command, principal_of(request), via=self.via, endpoints=endpoints)

    async def crew(self, request: Request, name: str | None) -> Crew:
        """Describe the crew that is named, else the default one."""
        return await self.dispatch.crew(name or self.default_crew, principal_of(request))

    async def start(
        self,
        request: Request,
        crew: Crew,
        inputs: dict[str, Any],
        checkpoints: list[str],
        endpoints: Endpoints = NONE,
    ) -> ExecutionId:
        """Start an execution."""
        command = Start(crew=crew.name, inputs=inputs, checkpoints=checkpoints)
        started: Started = await self.handle(request, command, endpoints)
        return started.execution

    async def read(self, request: Request, execution: str) -> Read:
        """Read an execution and its checkpoints."""
        read: Read = await self.handle(request, Get(execution=ExecutionId(execution)))
        return read

    async def decide(
        self,
        request: Request,
        checkpoint: Checkpoint,
        action: str,
        feedback: str | None,
        version: int | None = None,
        endpoints: Endpoints = NONE,
    ) -> Changed:
        """Answer a checkpoint by an action of the existing contract."""
        command = Decide(
            execution=checkpoint.execution,
            checkpoint=checkpoint.id,
            action=meant(action, feedback, checkpoint),
            feedback=feedback,
            version=version,
        )
        changed: Changed = await self.handle(request, command, endpoints)
        return changed


def named(checkpoints: Sequence[Checkpoint], name: str) -> Checkpoint:
    """Find a checkpoint by its id, or by its name when it waits; or raise `Refused`."""
    for checkpoint in checkpoints:
        if checkpoint.id == name:
            return checkpoint
    for checkpoint in open_ones(checkpoints):
        if checkpoint.name == name:
            return checkpoint
    raise Refused(ErrorCode.NOT_FOUND, f"The execution has no checkpoint {name[:200]!r} that waits for an answer.")
