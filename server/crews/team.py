"""A crew at work within an execution: its tasks, and what they share. A flow may have several, one after another."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar

import anyio
from crewai import Crew, Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.tasks.task_output import TaskOutput

from protocol.events import TaskSkipped
from server.crews import outputs
from server.crews.tasks import TaskRun
from server.runnable import Journal

#: The agents whose turn the current asyncio task has.
TURNS: ContextVar[frozenset[int]] = ContextVar("quarterdeck_turns", default=frozenset())


class Team:
    """A crew at work. `scope` comes before the steps of its tasks; `first` is the index of its first task."""

    def __init__(self, journal: Journal, crew: Crew, names: Sequence[str], *, scope: str = "", first: int = 0) -> None:
        self.journal = journal
        self.crew = crew
        self.scope = scope
        self.tasks = [
            TaskRun(team=self, scope=f"{scope}t{place}", index=first + place, name=name, task=task)
            for place, (name, task) in enumerate(zip(names, crew.tasks, strict=True))
        ]
        self.planning = anyio.Lock()
        self.planner: Callable[[], None] | None = None
        self._turns: dict[int, anyio.Lock] = {}
        self._unmet: list[tuple[TaskRun, TaskOutput]] = []

    def find(self, task: Task) -> TaskRun | None:
        """Find the crew's own task; None for one that was made inside another, as a delegation is."""
        return next((mine for mine in self.tasks if mine.task is task), None)

    @asynccontextmanager
    async def turn(self, agent: BaseAgent) -> AsyncIterator[None]:
        """Wait until the agent is free, and keep it: crewai lets an agent do one thing at a time, or fails.

        Whoever has the agent already, as a retry within its work does, goes on at once.
        """
        if id(agent) in TURNS.get():
            yield
            return
        async with self._turns.setdefault(id(agent), anyio.Lock()):
            token = TURNS.set(TURNS.get() | {id(agent)})
            try:
                yield
            finally:
                TURNS.reset(token)

    def unmet(self, mine: TaskRun, output: TaskOutput) -> None:
        """Remember a task whose condition was not met; `settle` tells it."""
        mine.skipped, mine.result = "Its condition was not met.", output
        self._unmet.append((mine, output))

    async def settle(self) -> None:
        """Record and tell what could only be remembered, because the crew was not in a coroutine of ours."""
        while self._unmet:
            mine, output = self._unmet.pop(0)
            event = TaskSkipped(task=mine.name, index=mine.index, message=mine.skipped)
            await self.journal.record(mine.step("output"), outputs.dump(output, mine.work(), skipped=True), event=event)
