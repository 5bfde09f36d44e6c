"""The strands of an execution: every asyncio task that is made in its context, by whatever code.

crewai, and flows, leave tasks behind when one of several fails or is unwound; an execution must not end before all of
them have, or what they still do would be lost, and paid for twice.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from functools import partial
from typing import Any

from server.crews.run import RUN, Run
from server.crews.scopes import SCOPE
from server.runnable import Suspended

#: Seconds that the rest of a crew is given to end once one part of it has.
END_LIMIT = 10.0
#: Seconds for which nothing may happen, no call being under way, before what still waits is broken off.
REST_LIMIT = 30.0

Coro = Coroutine[Any, Any, Any] | Generator[Any, None, Any]


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop register each new task with the execution whose context it is made in. Idempotent."""
    if loop.get_task_factory() is not _make:
        loop.set_task_factory(_make)


def _make(loop: asyncio.AbstractEventLoop, coro: Coro, **settings: Any) -> "asyncio.Task[Any]":
    task = asyncio.Task(coro, loop=loop, **settings)
    context: Context | None = settings.get("context")
    run, began = (RUN.get(), SCOPE.get()) if context is None else (context.get(RUN), context.get(SCOPE, ""))
    if run is not None:
        run.strands[task] = began
        task.add_done_callback(partial(_ended, run))
    return task


def _ended(run: Run, task: "asyncio.Task[Any]") -> None:
    run.strands.pop(task, None)
    if not task.cancelled():
        error = task.exception()  # seen: an unwinding is not an error that asyncio need warn about
        if isinstance(error, Suspended):
            run.suspended = True


async def come_to_rest(run: Run) -> None:
    """Wait until every strand has ended, or was unwound, or hangs with nothing under way."""
    while strands := _others(run):
        done, _ = await asyncio.wait(strands, timeout=REST_LIMIT, return_when=asyncio.FIRST_COMPLETED)
        if not done and run.calls <= 0:
            return
        if run.broken.done():
            return


async def end_all(run: Run) -> None:
    """Cancel what is still at work, and wait for it within a limit."""
    run.close()
    strands = _others(run)
    for strand in strands:
        strand.cancel()
    if strands:
        await asyncio.wait(strands, timeout=END_LIMIT)
    for strand in strands:
        if strand.done() and not strand.cancelled():
            strand.exception()  # seen: asyncio need not warn about it


def _others(run: Run) -> "set[asyncio.Task[object]]":
    return run.strands.keys() - {asyncio.current_task()}
