"""Spans of commands: a start begins the trace of its execution, everything else joins it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from protocol.commands import AnyCommand, Say, Start
from server import traces
from server.auth import Principal
from server.dispatch.audit import CHANGES
from server.dispatch.work import Work


@asynccontextmanager
async def traced(work: Work, command: AnyCommand, principal: Principal, via: str) -> AsyncIterator[None]:
    """Time a command that changes something, where spans are sent anywhere."""
    if not traces.enabled() or not isinstance(command, CHANGES):
        yield
        return
    name = command.__struct_config__.tag
    told = {"quarterdeck.principal": principal.id, "quarterdeck.via": via}
    within = ""
    if not isinstance(command, Start | Say):
        told["quarterdeck.execution"] = command.execution
        within = await work.store.trace(command.execution)
    with traces.span(f"command {name}", told, within=within):
        yield
