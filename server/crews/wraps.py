"""The few places where crewai itself is wrapped. Outside an execution of ours, every wrap only passes on."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any

from crewai import Agent, Crew, Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.tasks.conditional_task import ConditionalTask
from crewai.tasks.task_output import TaskOutput

from server.crews import calls, files, flows, guardrails, knowledge, memory, nested
from server.crews.memory import remembering
from server.crews.run import RUN, TASK
from server.crews.tasks import TaskRun
from server.crews.work import skip_unmet, work_on

MARK = "_quarterdeck"


def install() -> None:
    """Wrap crewai. Harmless when repeated, which finds classes that were made meanwhile."""
    calls.install()
    nested.install()
    flows.install()
    files.install()
    guardrails.install()
    memory.install()
    knowledge.install()
    if getattr(Task.aexecute_sync, MARK, False):
        return
    _replace(Task, "aexecute_sync", _task(Task.aexecute_sync))
    _replace(Agent, "aexecute_task", _turn(Agent.aexecute_task))
    _replace(ConditionalTask, "get_skipped_task_output", _unmet(ConditionalTask.get_skipped_task_output))
    _replace(Crew, "_handle_crew_planning", _planning(Crew._handle_crew_planning))


def _replace(owner: type, name: str, wrapper: Any) -> None:
    setattr(owner, name, wrapper)


def _task(original: Callable[..., Awaitable[TaskOutput]]) -> Callable[..., Awaitable[TaskOutput]]:
    @wraps(original)
    async def aexecute_sync(
        self: Task, agent: BaseAgent | None = None, context: str | None = None, tools: list[Any] | None = None
    ) -> TaskOutput:
        run = RUN.get()
        mine = run.find(self) if run else None
        if run is None or mine is None:
            return await original(self, agent, context, tools)
        return await work_on(run, mine, original, agent, context, tools)

    setattr(aexecute_sync, MARK, True)
    return aexecute_sync


def _turn(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def aexecute_task(self: Agent, task: Task, *args: Any, **kwargs: Any) -> Any:
        run, mine = RUN.get(), TASK.get()
        if run is None or not isinstance(mine, TaskRun):
            return await original(self, task, *args, **kwargs)
        async with mine.team.turn(self):
            return await remembering(run, self, task, lambda: original(self, task, *args, **kwargs))

    return aexecute_task


def _unmet(original: Callable[[ConditionalTask], TaskOutput]) -> Callable[[ConditionalTask], TaskOutput]:
    @wraps(original)
    def get_skipped_task_output(self: ConditionalTask) -> TaskOutput:
        run, output = RUN.get(), original(self)
        mine = run.find(self) if run else None
        return output if run is None or mine is None else skip_unmet(run, mine, output)

    return get_skipped_task_output


def _planning(original: Callable[[Crew], None]) -> Callable[[Crew], None]:
    @wraps(original)
    def _handle_crew_planning(self: Crew) -> None:
        run = RUN.get()
        team = run.team_of(self) if run else None
        if team is None:
            return original(self)
        team.planner = partial(original, self)  # the first task lets it plan, where waiting is allowed
        return None

    return _handle_crew_planning
