"""Two ways to wait: crewai calls models and tools from coroutines, from threads, and from loops in threads.

What has to be done around a call is written once, as a coroutine over a `Way`; where nothing may be awaited, `at_once`
runs that coroutine to its end, for a `Direct` way never really waits in it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from protocol.events import Data
from server.crews.run import Run
from server.runnable import Answer, Question

ResultT = TypeVar("ResultT")


class Way(Protocol):
    """How to ask and to record from here."""

    async def ask(self, question: Question) -> Answer:
        """Ask a person."""

    async def record(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record a step."""


class Direct:
    """The way of synchronous code, and of loops that are not the execution's: it blocks."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def ask(self, question: Question) -> Answer:
        """Ask a person, and block."""
        return self._run.ask_now(question)

    async def record(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record a step, and block."""
        self._run.record_now(step, value, event=event)


def way(run: Run) -> Way:
    """Give the way for a coroutine: the execution itself on its own loop."""
    return run if on_loop_of(run) else Direct(run)


def on_loop_of(run: Run) -> bool:
    """Tell whether this is the thread of the execution's loop, where nothing may wait."""
    try:
        return asyncio.get_running_loop() is run.loop
    except RuntimeError:
        return False


def at_once(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: ResultT = end.value
        return result
    work.close()
    raise RuntimeError("A coroutine over a direct way has waited.")
