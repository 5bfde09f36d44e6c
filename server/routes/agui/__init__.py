"""`POST /ag-ui/{crew}`: crews for front ends that speak AG-UI 1.0, over server-sent events.

A thread is an execution (and the ones that follow in its conversation), a run is the stretch up to its next checkpoint,
an interrupt is a checkpoint. Decisions go through the dispatch that every other door uses: one of them wins.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.commands import Filter, Get, List, Start
from protocol.errors import ErrorCode, Refused
from protocol.ids import ConversationId, ExecutionId, Position
from protocol.objects import Checkpoint, CheckpointState, Execution
from server.dispatch import Dispatch, Read
from server.execution import ENDS
from server.hub import Hub
from server.recovery import After
from server.routes.agui.conversation import history
from server.routes.agui.events import AgEvent
from server.routes.agui.interrupts import decision_of
from server.routes.agui.request import (
    LONGEST,
    ResumeEntry,
    RunAgentInput,
    checkpoints_for,
    inputs_for,
    last_words,
    read,
)  # fmt: skip
from server.routes.agui.stream import RunOutlet, written
from server.routes.agui.translation import Translation
from server.routes.api.event_stream import HEADERS, Streamed
from server.routes.api.requests import read_body
from server.routes.asking import Visitor, visitor_of
from server.routes.places import Places

VIA = "ag-ui"
#: Refusals that mean that somebody else, or time, was faster.
LOST = frozenset({
    ErrorCode.ALREADY_DECIDED, ErrorCode.STALE_VERSION, ErrorCode.ENDED, ErrorCode.NOT_FOUND, ErrorCode.CONFLICT,
})  # fmt: skip


class AgUi:
    """Runs of crews. `places`: of those that are streamed to."""

    def __init__(self, dispatch: Dispatch, hub: Hub, places: Places) -> None:
        self.dispatch = dispatch
        self.hub = hub
        self.places = places

    def routes(self) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/ag-ui/{crew}", self.run, methods=["POST"])]

    async def run(self, request: Request) -> Response:
        """Start an execution, answer its interrupts, or attach to it, and stream what comes up to the next one."""
        asked, crew = read(await read_body(request, LONGEST)), request.path_params["crew"]
        visitor = visitor_of(request)
        self.places.check(visitor.principal)  # nothing is begun or decided for who cannot be told of it
        known = await self._latest(visitor, asked.thread_id, crew)
        if asked.resume:
            return await self._resume(visitor, asked, known)
        if known is None or (known.execution.state in ENDS and last_words(asked.messages) is not None):
            return await self._start(visitor, asked, crew)
        return self._attach(visitor, asked, known)

    async def _latest(self, visitor: Visitor, thread: str, crew: str) -> Read | None:
        """Find the latest execution of a thread."""
        narrowed = Filter(crew=crew, conversation=ConversationId(thread))
        command = List(what="executions", limit=1, filter=narrowed)
        page = await self.dispatch.handle(command, visitor.principal, via=VIA)
        return await self._read(visitor, page.items[0].id) if page.items else None

    async def _read(self, visitor: Visitor, execution: ExecutionId) -> Read:
        found: Read = await self.dispatch.handle(Get(execution=execution), visitor.principal, via=VIA)
        return found

    async def _start(self, visitor: Visitor, asked: RunAgentInput, crew: str) -> Response:
        described = await self.dispatch.crew(crew, visitor.principal)
        command = Start(
            crew=crew, inputs=inputs_for(described, asked), checkpoints=checkpoints_for(asked), watch=False,
            conversation=ConversationId(asked.thread_id), key=f"ag-ui:{asked.thread_id}:{asked.run_id}"[:200],
        )  # fmt: skip
        started = await self.dispatch.handle(command, visitor.principal, via=VIA)
        known = await self._read(visitor, started.execution)
        translation = _translation(asked, known.execution)
        return self._stream(
            visitor, known.execution, Position(started.epoch, 0), translation, written(translation.begin())
        )

    def _attach(self, visitor: Visitor, asked: RunAgentInput, known: Read) -> Response:
        """Offer again what waits; else follow what runs, or tell how it ended."""
        translation = _translation(asked, known.execution)
        return self._go_on(visitor, known, translation, translation.begin(_open(known)))

    async def _resume(self, visitor: Visitor, asked: RunAgentInput, known: Read | None) -> Response:
        """Decide what was answered, then go on; what somebody else has decided is told, and what comes after it."""
        if known is None:
            raise Refused(ErrorCode.NOT_FOUND, "This thread has no execution that waits for an answer.")
        translation, answers = _translation(asked, known.execution), [e for e in asked.resume if e.status == "resolved"]
        told = translation.begin(_open(known))
        if not answers:
            return _whole(written([*told, *translation.give_up()]))
        lost = [fate for entry in answers if (fate := await self._decide(visitor, asked, known, entry)) is not None]
        told += [translation.custom("decision.lost", fate) for fate in lost]
        if len(lost) < len(answers):
            return self._stream(visitor, known.execution, _position(known.execution), translation, written(told))
        known = await self._read(visitor, known.execution.id)
        return self._go_on(visitor, known, translation, told)

    async def _decide(
        self, visitor: Visitor, asked: RunAgentInput, known: Read, entry: ResumeEntry
    ) -> dict[str, Any] | None:
        """Decide a checkpoint; who was faster, if somebody was. Raises `Refused` for what is no answer to it."""
        checkpoint = next((one for one in known.checkpoints if one.id == entry.interrupt_id), None)
        if checkpoint is None:
            return {"interruptId": entry.interrupt_id, "message": "There is no such checkpoint in this thread."}
        command = decision_of(checkpoint, entry.payload, f"ag-ui:{asked.run_id}:{checkpoint.id}")
        try:
            await self.dispatch.handle(command, visitor.principal, via=VIA)
        except Refused as refused:
            if refused.code not in LOST:
                raise
            detail = {name: value for name, value in refused.detail.items() if name != "re"}
            return {"interruptId": checkpoint.id, "code": refused.code, "message": refused.message, **detail}
        return None

    def _go_on(self, visitor: Visitor, known: Read, translation: Translation, told: list[AgEvent]) -> Response:
        """Tell how it ended, offer what waits, or follow what runs."""
        if known.execution.state in ENDS:
            return _whole(written([*told, *translation.ended(known.execution)]))
        if waiting := _open(known):
            return _whole(written([*told, *translation.interrupt(waiting)]))
        return self._stream(visitor, known.execution, _position(known.execution), translation, written(told))

    def _stream(
        self, visitor: Visitor, execution: Execution, after: After, translation: Translation, first: bytes
    ) -> Response:
        return Streamed(self.hub, visitor, execution.id, after, RunOutlet(translation), first, self.places)


def _translation(asked: RunAgentInput, execution: Execution) -> Translation:
    return Translation(asked.thread_id, asked.run_id, execution, history(asked.messages, execution))


def _open(known: Read) -> list[Checkpoint]:
    return [one for one in known.checkpoints if one.state is CheckpointState.OPEN]


def _position(execution: Execution) -> Position:
    return Position(execution.epoch, execution.offset)


def _whole(body: bytes) -> Response:
    return Response(body, headers={name.decode(): value.decode() for name, value in HEADERS})
