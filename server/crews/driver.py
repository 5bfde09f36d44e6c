"""Running a crew or a flow as one execution: started in a context of its own, ended as a whole."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import anyio
from crewai.core.providers.human_input import set_provider
from crewai.events.event_context import EventContextConfig, MismatchBehavior, _event_context_config
from crewai.events.stream_context import add_stream_sink
from crewai_core.printer import set_suppress_console_output

from server.crews.human_input import HumanInput
from server.crews.progress import Progress
from server.crews.run import RUN, Run
from server.crews.strands import REST_LIMIT, come_to_rest, end_all, watch
from server.runnable import CrewFailed, Outcome, Suspended

Body = Callable[[], Awaitable[Outcome]]


async def drive(run: Run, body: Body) -> Outcome:
    """Run `body` to its end. Raises `Stopped`, `CrewFailed` or `Suspended`; cancelling it ends all that it started."""
    watch(asyncio.get_running_loop())
    kickoff = asyncio.create_task(_in_context(run, body), name=f"crew {run.journal.execution}")
    try:
        await _kickoff_ends(run, kickoff)
        if run.suspended and not run.broken.done():
            await come_to_rest(run)
    finally:
        with anyio.CancelScope(shield=True):
            kickoff.cancel()
            await asyncio.wait((kickoff,), timeout=10)
            await end_all(run)
    return _ended(run, kickoff)


async def _kickoff_ends(run: Run, kickoff: "asyncio.Task[Outcome]") -> None:
    """Wait for the end, or for what breaks it; one that was unwound and hangs, with no call under way, is left."""
    done: set[asyncio.Future[Any]] = set()
    while not done:
        parts: tuple[asyncio.Future[Any], ...] = (kickoff, run.broken)
        done, _ = await asyncio.wait(parts, timeout=REST_LIMIT, return_when=asyncio.FIRST_COMPLETED)
        if not done and run.suspended and run.calls <= 0:
            return


async def _in_context(run: Run, body: Body) -> Outcome:
    RUN.set(run)
    set_provider(HumanInput(run))
    add_stream_sink(Progress(run))
    set_suppress_console_output(True)
    silent = MismatchBehavior.SILENT  # a stopped crew leaves events without their ends
    _event_context_config.set(EventContextConfig(mismatch_behavior=silent, empty_pop_behavior=silent))
    return await body()


def _ended(run: Run, kickoff: "asyncio.Task[Outcome]") -> Outcome:
    """Give what came out, or raise what broke it first. Tracebacks of a stop are dropped: they hold the whole crew.

    A crew that swallowed its own unwinding has given a result without the answer that it asked for: it counts as
    unwound all the same.
    """
    error = None if kickoff.cancelled() else kickoff.exception()
    if run.broken.done():
        _raise(run.broken.result())
    if run.suspended or isinstance(error, Suspended):
        raise Suspended
    if kickoff.cancelled():
        raise CrewFailed("crew_failed", "The crew was cancelled from inside.")
    if error is not None:
        _raise(error)
    return kickoff.result()


def _raise(error: BaseException) -> NoReturn:
    if isinstance(error, Exception):
        raise error
    raise error.with_traceback(None)
