"""One execution of one crew: what its tasks, threads and events share, found by a context variable."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anyio
from crewai import Crew, Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.tasks.task_output import TaskOutput

from protocol.events import Data, TaskSkipped
from protocol.objects import CrewCheckpoint, Usage
from server.crews import outputs
from server.crews.outputs import Stored
from server.runnable import Journal

#: The execution that the current task, or thread, works for. None outside: then nothing of ours has an effect.
RUN: ContextVar["Run | None"] = ContextVar("quarterdeck_run", default=None)
#: The task of that execution that is being worked on.
TASK: ContextVar["TaskRun | None"] = ContextVar("quarterdeck_task", default=None)
#: The agents whose turn the current asyncio task has.
TURNS: ContextVar[frozenset[int]] = ContextVar("quarterdeck_turns", default=frozenset())
#: Seconds that the rest of a crew is given to end once one part of it has.
END_LIMIT = 10.0


@dataclass(kw_only=True)
class TaskRun:
    """A task of an execution: what it is called and what it has cost so far."""

    index: int
    name: str
    task: Task
    before: tuple[CrewCheckpoint, ...] = ()
    after: tuple[CrewCheckpoint, ...] = ()
    usage: Usage = field(default_factory=Usage)
    tools: Counter[str] = field(default_factory=Counter)
    prepared_tools: list[Any] = field(default_factory=list)
    edited: bool = False
    skipped: str | None = None
    result: TaskOutput | None = None
    _earlier: float = 0.0
    _since: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, *parts: str | int) -> str:
        """Name a place in this task for the journal: `t0/draft/1`."""
        return "/".join((f"t{self.index}", *map(str, parts)))

    def start_clock(self) -> None:
        """Count the seconds from now as work."""
        self._since = time.monotonic()

    def stop_clock(self) -> None:
        """Count no more: the task waits for a person."""
        self._earlier, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """Seconds of work so far, without the waiting for people."""
        return self._earlier + (time.monotonic() - self._since if self._since is not None else 0.0)

    def spend(self, usage: Usage) -> None:
        """Add what a model call used. From any thread."""
        with self._lock:
            self.usage = Usage(
                prompt_tokens=self.usage.prompt_tokens + usage.prompt_tokens,
                completion_tokens=self.usage.completion_tokens + usage.completion_tokens,
                total_tokens=self.usage.total_tokens + usage.total_tokens,
                calls=self.usage.calls + usage.calls,
            )

    def count_tool(self, name: str) -> None:
        """Count a call of a tool. From any thread."""
        with self._lock:
            self.tools[name] += 1

    def work(self) -> outputs.Work:
        """Sum up the cost for the journal."""
        return outputs.Work(seconds=self.seconds, usage=self.usage, tools=dict(self.tools))

    def take_up(self, stored: Stored) -> TaskOutput:
        """Go on from what an earlier attempt recorded."""
        self.usage, self.tools, self._earlier = stored.usage, Counter(stored.tools), stored.seconds
        return outputs.restore(stored, self.task)


class Run:
    """An execution in progress. Closed, it lets nothing more out: threads cannot be stopped, only ignored."""

    def __init__(self, journal: Journal, crew: Crew, names: Sequence[str]) -> None:
        self.journal = journal
        self.crew = crew
        self.tasks = [TaskRun(index=i, name=n, task=t) for i, (n, t) in enumerate(zip(names, crew.tasks, strict=True))]
        self.model_error: str | None = None
        self.planning = anyio.Lock()
        self.planner: Callable[[], None] | None = None
        self.broken: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._turns: dict[int, anyio.Lock] = {}
        self._unmet: list[tuple[TaskRun, TaskOutput]] = []
        self._workers: set[asyncio.Task[object]] = set()
        self._closed = False
        self._gate = threading.Lock()

    def find(self, task: Task) -> TaskRun | None:
        """Find the crew's own task; None for one that was made inside another (a delegation, a nested crew)."""
        return next((mine for mine in self.tasks if mine.task is task), None)

    def emit(self, data: Data) -> None:
        """Tell an event, unless the execution has ended. From any thread."""
        with self._gate:
            if not self._closed:
                self.journal.emit(data)

    def delta(self, stream: str, text: str, task: str | None, agent: str | None) -> None:
        """Push streamed text, unless the execution has ended. From any thread."""
        with self._gate:
            if not self._closed:
                self.journal.delta(stream=stream, text=text, task=task, agent=agent)

    def join(self) -> None:
        """Register the asyncio task that calls this as part of the execution; refuse when that has ended."""
        if self._closed:
            raise asyncio.CancelledError("the execution has ended")
        if worker := asyncio.current_task():
            self._workers.add(worker)

    def break_off(self, error: BaseException) -> None:
        """Make the execution end with this error now, whatever else is still at work. The first one counts."""
        if not self.broken.done():
            self.broken.set_result(error)

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

    async def close(self, *own: "asyncio.Task[object]") -> None:
        """Let nothing more out, cancel what is still at work, and wait for it within a limit."""
        with self._gate:
            self._closed = True
        self._workers |= set(own)
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers, timeout=END_LIMIT)
        for worker in self._workers:
            if worker.done() and not worker.cancelled():
                worker.exception()  # seen: asyncio need not warn about it
        self._workers.clear()
