"""What agents look up in their knowledge: the same on a later attempt, whatever its store has learnt meanwhile.

What is found stands in the prompts that follow, and to find it, crewai has a provider embed what is asked.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from crewai.knowledge.knowledge import Knowledge

from server.crews.calls.codec import Ran, decode, encode, read_ran, to_bytes
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.ways import Direct, Way, at_once, way
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import INSIDE_TOOL, RUN, Run


def install() -> None:
    """Wrap both ways to ask a store. Harmless when repeated."""
    if not is_wrapped(Knowledge.query):
        replace(Knowledge, "query", _query(Knowledge.query))
        replace(Knowledge, "aquery", _aquery(Knowledge.aquery))


def _query(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def query(self: Knowledge, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or INSIDE_TOOL.get():
            return method(self, *args, **kwargs)

        async def find() -> Any:
            return method(self, *args, **kwargs)

        return at_once(_once(run, Direct(run), _step(run, self, args, kwargs), find))

    return query


def _aquery(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def aquery(self: Knowledge, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or INSIDE_TOOL.get():
            return await method(self, *args, **kwargs)
        return await _once(run, way(run), _step(run, self, args, kwargs), lambda: method(self, *args, **kwargs))

    return aquery


def _step(run: Run, knowledge: Knowledge, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    return run.step(f"lookup.{fingerprint(knowledge.collection_name, args, kwargs)}")


async def _once(run: Run, through: Way, step: str, find: Callable[[], Awaitable[Any]]) -> Any:
    if (stored := run.journal.recall(step)) is not None:
        kept = read_ran(stored).result
        return None if kept is None else decode(kept)
    found = await find()
    await through.record(step, to_bytes(Ran(result=encode(found))))
    return found
