"""The events of an execution: a page of its log, the next ones as soon as they come, or a stream of them."""

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.ids import ExecutionId, Position
from server.dispatch import Dispatch, Events, Place
from server.execution import ENDS
from server.hub import Hub
from server.recovery import After
from server.routes.api.event_stream import FIRST, Bell, EventOutlet, Streamed
from server.routes.api.requests import Resource, execution_of, json, number
from server.routes.asking import principal_of, visitor_of
from server.routes.lasting import while_there
from server.routes.places import Places
from server.routes.problems import bad_field

#: A request may wait so long for the next event, in seconds.
LONGEST_WAIT = 60
#: More digits than any offset has.
LONGEST = 12


class EventLog(Resource):
    """`/executions/{id}/events`. `places`: of the requests that wait, or are streamed to."""

    def __init__(self, dispatch: Dispatch, hub: Hub, places: Places) -> None:
        super().__init__(dispatch)
        self.hub = hub
        self.places = places

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/executions/{execution}/events", self.events)]

    async def events(self, request: Request) -> Response:
        """`GET …/events?after=&limit=&wait=`, or a stream of them for `Accept: text/event-stream`."""
        if request.method == "GET" and "text/event-stream" in request.headers.get("accept", ""):
            return await self._stream(request)
        limit = number(request, "limit", 100, lowest=1, highest=1000)
        wait = number(request, "wait", 0, lowest=0, highest=LONGEST_WAIT)
        principal, execution = principal_of(request), execution_of(request)
        place = _place(request.query_params.get("after", "0"), "after")
        events = await self.dispatch.events(execution, place, limit, principal)
        if wait and not events.items and events.state not in ENDS:
            behind = Position(events.epoch, place.offset)
            if await while_there(request, lambda: self._next(principal.tenant, execution, behind, wait)) is None:
                return Response(status_code=204)  # nobody reads it
            events = await self.dispatch.events(execution, place, limit, principal)
        return json(events)

    async def _next(self, tenant: str, execution: ExecutionId, position: Position, wait: int) -> bool:
        """Wait for an event behind the position, but not for ever; tell whether there may be one."""
        bell = Bell()
        watch, found = await self.hub.watch(tenant, execution, bell, position)
        try:
            with self.places.waiting(bell), anyio.move_on_after(wait):
                watch.begin(found)
                await bell.rung.wait()
            return bell.rung.is_set()
        finally:
            watch.close()

    async def _stream(self, request: Request) -> Response:
        """Stream from where the client was, or from the beginning; 204 tells it not to come back for more."""
        execution, last = execution_of(request), request.headers.get("last-event-id")
        place = _place(last, "Last-Event-ID") if last else _place(request.query_params.get("after", "0"), "after")
        events: Events = await self.dispatch.events(execution, Place(), 1, principal_of(request))
        if last and events.state in ENDS and (place.epoch, place.offset) == (events.epoch, events.last):
            return Response(status_code=204)
        after: After = Position(place.epoch or events.epoch, place.offset)
        return Streamed(self.hub, visitor_of(request), execution, after, EventOutlet(), FIRST, self.places)


def _place(text: str, name: str) -> Place:
    """Read `OFFSET` or `EPOCH:OFFSET`."""
    epoch, _, digits = text.rpartition(":")
    if not digits.isascii() or not digits.isdigit() or len(digits) > LONGEST:
        raise bad_field(f"`{name}` is OFFSET, or EPOCH:OFFSET.")
    return Place(int(digits), epoch or None)
