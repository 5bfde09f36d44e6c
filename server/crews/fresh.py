"""A crew object of its own for every execution, fit to run on a server."""

from collections.abc import Callable
from contextvars import copy_context
from functools import wraps
from typing import Any, TypeVar

from crewai import Agent, Crew
from crewai.tasks.task_output import TaskOutput
from crewai_core.printer import set_suppress_console_output

from server.crews.callbacks import call_once, once_per_step
from server.crews.gate import AfterGate
from server.crews.names import agents_of
from server.crews.run import TASK, Run
from server.crews.tasks import TaskRun
from server.crews.team import Team

MadeT = TypeVar("MadeT")


def quietly(build: Callable[[], MadeT]) -> MadeT:
    """Build a crew or a flow without its panels, whatever its author left on."""
    context = copy_context()
    context.run(set_suppress_console_output, True)
    return context.run(build)


def hushed(crew: Crew) -> Crew:
    """Turn off what a crew would print or report by itself."""
    crew.verbose = crew.stream = crew.tracing = crew.share_crew = False
    crew._logger.verbose = False
    for agent in agents_of(crew):
        _hush(agent)
    return crew


def _hush(agent: Agent) -> None:
    agent.verbose = False
    agent._logger.verbose = False


def gated(run: Run, team: Team) -> None:
    """Put a gate into the callback slot of every task, in front of the author's, and have all callbacks called once."""
    shared = team.crew.task_callback
    for mine in team.tasks:
        mine.task.callback = AfterGate(run, mine, mine.task.callback, shared)
    if shared is not None:
        team.crew.task_callback = _once(run, shared)
    for owner in _with_steps(team.crew):
        if owner.step_callback is not None:
            owner.step_callback = once_per_step(run, owner.step_callback)


def ungated(team: Team) -> None:
    """Take the gates out again: a crew within a flow may be kicked off once more."""
    for mine in team.tasks:
        if isinstance(mine.task.callback, AfterGate):
            mine.task.callback = mine.task.callback.original
    team.crew.task_callback = _unwrapped(team.crew.task_callback)
    for owner in _with_steps(team.crew):
        owner.step_callback = _unwrapped(owner.step_callback)


def _with_steps(crew: Crew) -> list[Any]:
    """List what may have a `step_callback`."""
    return [crew, *agents_of(crew)]


def _unwrapped(callback: Any) -> Any:
    return getattr(callback, "__wrapped__", callback)


def _once(run: Run, callback: Callable[[TaskOutput], Any]) -> Callable[[TaskOutput], Any]:
    @wraps(callback)
    async def task_callback(output: TaskOutput) -> None:
        mine = TASK.get()
        assert isinstance(mine, TaskRun), "a crew with gates works on tasks that are known"
        if not mine.skipped:
            await call_once(run, run, mine.step("crew-callback"), callback, output)

    return task_callback
