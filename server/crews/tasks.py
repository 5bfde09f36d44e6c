"""A task of a crew at work: what it is called, where it is held, and what it has cost so far."""

import threading
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crewai import Task
from crewai.tasks.task_output import TaskOutput

from protocol.objects import CrewCheckpoint, Usage
from server.crews import outputs
from server.crews.outputs import Stored
from server.crews.scopes import scope

if TYPE_CHECKING:
    from server.crews.team import Team


@dataclass(kw_only=True)
class TaskRun:
    """A task at work. `place` counts within its crew, `index` within the whole execution, as people see it."""

    team: "Team"
    place: int
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

    @property
    def scope(self) -> str:
        """Name this task among all steps of the execution: `t0`, or behind the scope of a crew within a flow."""
        return f"{self.team.scope}t{self.place}"

    def step(self, *parts: str | int) -> str:
        """Name a place in this task for the journal: `t0/draft/1`."""
        return "/".join((self.scope, *map(str, parts)))

    def round(self, number: int) -> AbstractContextManager[None]:
        """Be in the scope of one round of the agent's work: the first, or that after a revision."""
        return scope(self.step(number))

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
        """Add what a model call used, now or in an earlier attempt. From any thread."""
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
