"""Crews that are kicked off within an execution: by a flow's method, or by a tool. Each becomes a team of its own.

There is one way for all kickoffs: `akickoff`, on the execution's loop. crewai's synchronous kickoff would hang where a
crew with `async_execution` is unwound (crewai/task.py: `_execute_task_async` catches only `Exception`).
"""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import wraps
from typing import Any, TypeVar

from crewai import Crew

from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.ways import on_loop_of
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.fresh import gated, hushed, ungated
from server.crews.names import task_names
from server.crews.places import set_places_within
from server.crews.run import RUN, TASK, Run
from server.crews.scopes import scope
from server.crews.team import Team
from server.runnable import Suspended

ResultT = TypeVar("ResultT")


def install() -> None:
    """Wrap the three ways to kick a crew off."""
    if is_wrapped(Crew.akickoff):
        return
    replace(Crew, "akickoff", _akickoff(Crew.akickoff))
    replace(Crew, "kickoff_async", _kickoff_async(Crew.kickoff_async))
    replace(Crew, "kickoff", _kickoff(Crew.kickoff))


def _ours(crew: Crew) -> Run | None:
    """Give the execution that a kickoff becomes part of. A crew that streams as a whole is left to whoever reads it."""
    run = RUN.get()
    return None if run is None or crew.stream or run.team_of(crew) is not None else run


def _akickoff(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def akickoff(self: Crew, inputs: dict[str, Any] | None = None, *args: Any, **kwargs: Any) -> Any:
        run = _ours(self)
        if run is None:
            return await original(self, inputs, *args, **kwargs)
        if asyncio.get_running_loop() is not run.loop:
            return await asyncio.wrap_future(_on(run, self.akickoff(inputs, *args, **kwargs)))
        return await _as_team(run, self, inputs, lambda: original(self, inputs, *args, **kwargs))

    return akickoff


def _kickoff_async(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def kickoff_async(self: Crew, *args: Any, **kwargs: Any) -> Any:
        return await (original(self, *args, **kwargs) if _ours(self) is None else self.akickoff(*args, **kwargs))

    return kickoff_async


def _kickoff(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def kickoff(self: Crew, *args: Any, **kwargs: Any) -> Any:
        run = _ours(self)
        if run is None or on_loop_of(run):
            return original(self, *args, **kwargs)
        return wait_for(_on(run, self.akickoff(*args, **kwargs)))

    return kickoff


def _on(run: Run, work: Coroutine[Any, Any, ResultT]) -> "concurrent.futures.Future[ResultT]":
    return asyncio.run_coroutine_threadsafe(work, run.loop)


def wait_for(future: "concurrent.futures.Future[ResultT]") -> ResultT:
    """Wait in a thread. What was cancelled there is an unwinding here: crewai would take it for a failure."""
    try:
        return future.result()
    except concurrent.futures.CancelledError:
        raise Suspended from None


async def _as_team(
    run: Run, crew: Crew, inputs: dict[str, Any] | None, kickoff: Callable[[], Awaitable[ResultT]]
) -> ResultT:
    hushed(crew)
    name = run.step(
        f"crew.{fingerprint([task._original_description or task.description for task in crew.tasks], inputs)}"
    )
    first = await run.place(name, len(crew.tasks))
    within = TASK.get()
    names = [f"{within.name}/{task}" if within else task for task in task_names(crew.tasks)]
    team = Team(run.journal, crew, names, scope=f"{name}/", first=first)
    set_places_within(team.tasks, run.journal.checkpoints)
    async with AsyncExitStack() as stack:
        stack.enter_context(scope(name))
        gated(run, team)
        stack.callback(ungated, team)
        run.teams.append(team)
        stack.callback(run.teams.remove, team)
        stack.push_async_callback(team.settle)
        return await kickoff()
