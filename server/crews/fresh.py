"""A crew object of its own for every execution, fit to run on a server."""

from collections.abc import Callable
from contextvars import copy_context
from functools import wraps
from typing import Any, TypeVar

from crewai import Agent, Crew
from crewai.tasks.task_output import TaskOutput
from crewai_core.printer import set_suppress_console_output

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
    """Put a gate into the callback slot of every task, in front of the user's callback."""
    for mine in team.tasks:
        mine.task.callback = AfterGate(run, mine, mine.task.callback)
    if team.crew.task_callback is not None:
        team.crew.task_callback = _unless_skipped(team.crew.task_callback)


def ungated(team: Team) -> None:
    """Take the gates out again: a crew within a flow may be kicked off once more."""
    for mine in team.tasks:
        if isinstance(mine.task.callback, AfterGate):
            mine.task.callback = mine.task.callback.users
    if (original := getattr(team.crew.task_callback, "__wrapped__", None)) is not None:
        team.crew.task_callback = original


def _unless_skipped(callback: Callable[[TaskOutput], Any]) -> Callable[[TaskOutput], Any]:
    @wraps(callback)
    def task_callback(output: TaskOutput) -> Any:
        mine = TASK.get()
        return None if isinstance(mine, TaskRun) and mine.skipped else callback(output)

    return task_callback
