"""Checkpoints: list what waits, read one, answer it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Comment, Decide, Decision, Extend, Filter, Get
from protocol.errors import ErrorCode, Refused
from server.dispatch import Read
from server.routes.api.requests import Resource, checkpoint_of, convert, execution_of, json, keyed, read_object
from server.routes.problems import bad_field


class Checkpoints(Resource):
    """`/checkpoints`, and those of one execution."""

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        one = "/executions/{execution}/checkpoints/{checkpoint}"
        return [
            Route("/checkpoints", self.list),
            Route(one, self.read),
            Route(f"{one}/decision", self.decide, methods=["POST"]),
            Route(f"{one}/comments", self.comment, methods=["POST"]),
            Route(f"{one}/extension", self.extend, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """`GET /checkpoints?state=open`: what waits for a person, nearest deadline first; or lately `decided`."""
        return await self.page(request, "checkpoints", Filter(state=request.query_params.get("state", "open")))

    async def read(self, request: Request) -> Response:
        """`GET …/checkpoints/{cp}`: one checkpoint as it is now."""
        read: Read = await self.handle(request, Get(execution=execution_of(request)))
        ident = checkpoint_of(request)
        for checkpoint in read.checkpoints:
            if checkpoint.id == ident:
                return json(checkpoint)
        raise Refused(ErrorCode.NOT_FOUND, f"The execution has no checkpoint {ident}.")

    async def decide(self, request: Request) -> Response:
        """`POST …/checkpoints/{cp}/decision`: answer it; an `Idempotency-Key` does so once."""
        decision = convert(await keyed(request), Decision)
        command = Decide(
            execution=execution_of(request),
            checkpoint=checkpoint_of(request),
            **{name: getattr(decision, name) for name in decision.__struct_fields__},
        )
        return json(await self.handle(request, command))

    async def comment(self, request: Request) -> Response:
        """`POST …/comments`: say something about it; an `Idempotency-Key` does so once."""
        return json(await self.handle(request, convert(_named(request, "comment", await keyed(request)), Comment)), 201)

    async def extend(self, request: Request) -> Response:
        """`POST …/extension`: move its deadline by `seconds`."""
        return json(await self.handle(request, convert(_named(request, "extend", await read_object(request)), Extend)))


def _named(request: Request, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    for name in ("type", "id", "execution", "checkpoint"):
        if name in body:
            raise bad_field(f"`{name}` does not belong into the body: the path says it.")
    return {**body, "type": kind, "execution": execution_of(request), "checkpoint": checkpoint_of(request)}
