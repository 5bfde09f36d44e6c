"""What agents are reminded of: the same on a later attempt, whatever their memory has learnt meanwhile.

`Memory.recall` and `Knowledge.query` of crewai ask models and stores; what they find stands in the prompts that follow.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import msgspec
import structlog
from crewai.knowledge.knowledge import Knowledge
from crewai.memory.unified_memory import Memory

from server.crews.calls.codec import Encoded, Unwritable, decode, encode
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.models import take_within
from server.crews.calls.ways import Direct, Way, at_once, on_loop_of, way
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import INSIDE_TOOL, RUN, Run
from server.crews.scopes import scope

log = structlog.get_logger()

Find = Callable[[], Awaitable[Any]]


def install() -> None:
    """Wrap what reminds agents, and what their memory is given."""
    if is_wrapped(Memory.recall):
        return
    replace(Memory, "recall", _sync(Memory.recall))
    replace(Knowledge, "query", _sync(Knowledge.query))
    replace(Knowledge, "aquery", _async(Knowledge.aquery))
    replace(Memory, "remember_many", _remember_many(Memory.remember_many))


def _sync(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def remind(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or INSIDE_TOOL.get():
            return method(self, *args, **kwargs)

        async def find() -> Any:
            return method(self, *args, **kwargs)

        return at_once(_once(run, Direct(run), _step(run, self, args, kwargs), find))

    return remind


def _async(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def remind(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or INSIDE_TOOL.get():
            return await method(self, *args, **kwargs)
        return await _once(run, way(run), _step(run, self, args, kwargs), lambda: method(self, *args, **kwargs))

    return remind


def _step(run: Run, source: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    place = getattr(source, "root_scope", None) or getattr(source, "collection_name", None)
    return run.step(f"reminding.{fingerprint(type(source), place, args, kwargs)}")


async def _once(run: Run, through: Way, step: str, find: Find) -> Any:
    """Give what an earlier attempt found, or find it and record it."""
    if (stored := run.journal.recall(step)) is not None:
        take_within(run, step)
        return decode(msgspec.json.decode(stored, type=Encoded))
    with scope(step):
        found = await find()
    try:
        await through.record(step, msgspec.json.encode(encode(found)))
    except Unwritable as error:
        log.warning("reminder not kept", execution=run.journal.execution, step=step, reason=str(error))
    return found


def _remember_many(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wait for what crewai leaves to a thread: it would end with the execution, or make its calls after the end.

    A later attempt does not remember the same once more.
    """

    @wraps(method)
    def remember_many(self: Memory, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or on_loop_of(run):
            return method(self, *args, **kwargs)
        if INSIDE_TOOL.get():
            return _remembered(self, lambda: method(self, *args, **kwargs))
        step = run.step(f"remembering.{fingerprint(self.root_scope, args, kwargs)}")
        if run.journal.recall(step) is not None:
            take_within(run, step)
            return []
        with scope(step):
            records = _remembered(self, lambda: method(self, *args, **kwargs))
        run.check()  # crewai says nothing when it was broken off
        run.record_now(step, b"")
        return records

    return remember_many


def _remembered(memory: Memory, remember: Callable[[], Any]) -> Any:
    records = remember()
    memory.drain_writes()
    return records
