"""The callbacks of a crew's author: each is called once in an execution, also where a second attempt comes by again.

Whether one that a dying worker had begun came to its end, nobody knows: it is not called again. A callback that asks a
person, and is unwound meanwhile, has not been called yet.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from protocol.events import JournalMissed
from server.crews.calls.ways import Direct, Way, at_once, way
from server.crews.run import Run
from server.crews.scopes import scope
from server.runnable import Suspended

LOST = "A worker died in the middle of this callback. It is not called again."
BEGUN, LEFT, DONE = b"begun", b"left", b"done"


async def call_once(run: Run, through: Way, step: str, callback: Callable[..., Any], *args: Any) -> None:
    """Call it, plain or async, unless that was done."""
    if not _due(run, step):
        return
    await through.record(step, BEGUN)
    try:
        with scope(step):
            result = callback(*args)
            if inspect.isawaitable(result):
                await result
    except Suspended:
        await through.record(step, LEFT)
        raise
    await through.record(step, DONE)


def once_per_step(run: Run, callback: Callable[..., Any]) -> Callable[..., Any]:
    """Make a `step_callback` that is called once for each step of an agent, which a later attempt takes again."""
    plain = not inspect.iscoroutinefunction(callback)

    @wraps(callback)
    def step_callback(output: Any) -> Any:
        step = run.step("step-callback").lstrip("/")
        if plain:
            return at_once(call_once(run, Direct(run), step, callback, output))
        return _on_any_loop(run, step, callback, output)  # crewai runs it, on whichever loop it finds

    return step_callback


async def _on_any_loop(run: Run, step: str, callback: Callable[..., Any], output: Any) -> None:
    await call_once(run, way(run), step, callback, output)


def _due(run: Run, step: str) -> bool:
    before = run.journal.recall(step)
    if before == BEGUN:
        run.emit(JournalMissed(step=step, reason=LOST), once=f"{step}/lost")
    return before in (None, LEFT)
