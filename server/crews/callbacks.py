"""The callbacks of a crew's author: each is called once in an execution, also where a second attempt comes by again.

Whether one that a dying worker had begun came to its end, nobody knows: it is not called again. A callback that asks a
person, and is unwound meanwhile, has not been called yet.
"""

import inspect
from collections.abc import Callable
from typing import Any

from protocol.events import JournalMissed
from server.crews.run import Run
from server.crews.scopes import scope
from server.runnable import Suspended

LOST = "A worker died in the middle of this callback. It is not called again."
BEGUN, LEFT, DONE = b"begun", b"left", b"done"


async def call_once(run: Run, step: str, callback: Callable[..., Any], *args: Any) -> None:
    """Call it, plain or async, unless that was done. On the execution's loop."""
    if not _due(run, step):
        return
    await run.record(step, BEGUN)
    try:
        with scope(step):
            result = callback(*args)
            if inspect.isawaitable(result):
                await result
    except Suspended:
        await run.record(step, LEFT)
        raise
    await run.record(step, DONE)


def _due(run: Run, step: str) -> bool:
    before = run.journal.recall(step)
    if before == BEGUN:
        run.emit(JournalMissed(step=step, reason=LOST), once=f"{step}/lost")
    return before in (None, LEFT)
