"""One execution at work: what its crews, tasks, threads and events share, found by a context variable."""

import asyncio
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from crewai import Crew, Task

from protocol.events import Data
from server.crews.parts import Part
from server.crews.registration import Registration
from server.crews.scopes import SCOPE, within
from server.crews.tasks import TaskRun
from server.crews.team import Team
from server.runnable import Answer, CrewFailed, Journal, Question, Suspended

#: The execution that the current task, or thread, works for. None outside: then nothing of ours has an effect.
RUN: ContextVar["Run | None"] = ContextVar("quarterdeck_run", default=None)
#: The part of that execution that is being worked on: a crew's task, or a flow's method.
TASK: ContextVar["Part | None"] = ContextVar("quarterdeck_task", default=None)
#: Whether the current work is inside a tool: it is a unit, and is not broken off in its middle to rest.
INSIDE_TOOL: ContextVar[bool] = ContextVar("quarterdeck_inside_tool", default=False)
#: The end of the names of steps that keep a stretch of indexes.
PLACED = "/first"


@dataclass(eq=False)
class UnderWay:
    """A stretch of work that is not broken off: a call outside, or code of a flow's author. `within`: what began it."""

    within: "UnderWay | None"
    #: Told when it begins to wait for a person, and when it goes on. From any thread.
    on_wait: "Callable[[bool], None] | None" = None
    #: How many questions in it wait for people: while there are any, it does.
    waiting: int = 0

    def outwards(self) -> "Iterator[UnderWay]":
        """Give it, and all that it is within."""
        yield self
        if self.within is not None:
            yield from self.within.outwards()


#: The innermost stretch that the current work is inside of.
UNDER_WAY: ContextVar[UnderWay | None] = ContextVar("quarterdeck_under_way", default=None)


class Run:
    """An execution in progress. Closed, it lets nothing more out: threads cannot be stopped, only ignored."""

    def __init__(self, journal: Journal, registration: Registration, crew: str = "") -> None:
        self.journal = journal
        self.crew = crew
        self.registration = registration
        self.loop = asyncio.get_running_loop()
        #: When the execution began, as its prompts are told; see `calls.clock`.
        self.began: datetime | None = None
        self.teams: list[Team] = []
        self.model_error: str | None = None
        #: What broke the execution first, whatever else is still at work.
        self.broken: asyncio.Future[BaseException] = self.loop.create_future()
        #: Whether some strand of it was unwound, to go on in a later attempt.
        self.suspended = False
        #: The asyncio tasks of the execution that are not done, see `strands`, and the scope that each began in.
        self.strands: dict[asyncio.Task[object], str] = {}
        self.calls = 0
        self.closed = False
        self._blamed: dict[int, tuple[Exception, CrewFailed]] = {}
        self._given_up: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._reserved = 0
        #: The calls of models that earlier attempts recorded, in order, and by scope those not asked for again.
        self._answered = sorted(step for step in journal.steps() if step.rpartition("/")[2].startswith("llm."))
        self._untaken: dict[str, set[str]] = defaultdict(set)
        for step in self._answered:
            self._untaken[step.rpartition("/")[0]].add(step)
        self._gate = threading.Lock()

    def find(self, task: Task) -> TaskRun | None:
        """Find a task of one of the execution's crews; None for one that was made inside another."""
        return next((mine for team in self.teams if (mine := team.find(task)) is not None), None)

    def team_of(self, crew: Crew) -> Team | None:
        """Find a crew that is at work."""
        return next((team for team in self.teams if team.crew is crew), None)

    def emit(self, data: Data, *, once: str = "") -> None:
        """Tell an event, unless the execution has ended; with `once`, not again. From any thread."""
        with self._gate:
            if not self.closed:
                self.journal.emit(data, once=once)

    def delta(self, stream: str, text: str, task: str | None, agent: str | None) -> None:
        """Push streamed text, unless the execution has ended. From any thread."""
        with self._gate:
            if not self.closed:
                self.journal.delta(stream=stream, text=text, task=task, agent=agent)

    def step(self, kind: str) -> str:
        """Name the next step of a kind in the current scope: `t0/llm.ab12.1`. From any thread.

        Steps of one kind are counted within their scope, so that strands side by side do not disturb each other.
        """
        path = f"{SCOPE.get()}/{kind}"
        with self._gate:
            number = self._counts[path]
            self._counts[path] += 1
        return f"{path}.{number}"

    def reserve(self, count: int) -> None:
        """Keep the first indexes for the parts that are known before the execution runs, and what was given before."""
        self._reserved = max(self._reserved, count)
        for step in self.journal.steps():
            if step.endswith(PLACED) and (stored := self.journal.recall(step)) is not None:
                self._reserved = max(self._reserved, sum(map(int, stored.split())))

    async def place(self, step: str, count: int) -> int:
        """Give the first of `count` indexes to parts that come up on the way: the same on every attempt."""
        step = f"{step}{PLACED}"
        if (stored := self.journal.recall(step)) is not None:
            return int(stored.split()[0])
        begin, self._reserved = self._reserved, self._reserved + count
        await self.record(step, f"{begin} {count}".encode())
        return begin

    def take(self, step: str) -> bool:
        """Take note that what an earlier attempt recorded under this step was asked for again; false when it was."""
        untaken = self._untaken[step.rpartition("/")[0]]
        first = step in untaken
        untaken.discard(step)
        return first

    def answered_within(self, step: str) -> list[str]:
        """Name the calls of models that earlier attempts recorded while this step was made."""
        begin, end = (bisect_left(self._answered, f"{step}{mark}") for mark in "/0")  # "0" follows "/"
        return self._answered[begin:end]

    def untaken(self, scope: str) -> bool:
        """Tell whether an earlier attempt recorded calls of models in this scope that were not asked for again."""
        return bool(self._untaken.get(scope))

    def check(self, *, safe: bool = True) -> None:
        """Raise `Suspended` where the work is given up, or has ended, or, at a safe point, is to come to rest."""
        if self.is_given_up():
            raise Suspended
        if self.closed or (safe and self.journal.suspending):
            self.suspended = True
            raise Suspended

    @contextmanager
    def calling(self, *, safe: bool = True, on_wait: "Callable[[bool], None] | None" = None) -> Iterator[None]:
        """Mark a call to a model or a tool, or a method's body, while it is under way.

        Before it is a safe point, if said so. `on_wait` is told when it waits for a person, and when it goes on.
        """
        self.check(safe=safe)
        token = UNDER_WAY.set(UnderWay(UNDER_WAY.get(), on_wait))
        self._busy(1)
        try:
            yield
        finally:
            UNDER_WAY.reset(token)
            self._busy(-1)

    def _busy(self, change: int) -> None:
        with self._gate:
            self.calls += change
        self.journal.busy(change)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Mark that what the current work is inside of waits for a person, and is not under way."""
        stretch = UNDER_WAY.get()
        outwards = list(stretch.outwards()) if stretch else []
        self._wait(outwards, 1)
        try:
            yield
        except Suspended:
            self.suspended |= not self.is_given_up()
            raise
        finally:
            self._wait(outwards, -1)

    def _wait(self, outwards: "list[UnderWay]", change: int) -> None:
        """Count a question that begins to wait, or has its answer; several may wait within one stretch."""
        for stretch in outwards:
            with self._gate:
                before = stretch.waiting
                stretch.waiting += change
            if not (before and stretch.waiting):
                self._busy(-change)
                if stretch.on_wait is not None:
                    stretch.on_wait(change > 0)

    async def ask(self, question: Question) -> Answer:
        """Ask a person, and wait; see `Journal.ask`. On the loop."""
        if self.closed:
            raise Suspended
        with self._waiting():
            return await self.journal.ask(question)

    def ask_now(self, question: Question) -> Answer:
        """Ask a person from synchronous code; see `Journal.ask_now`."""
        if self.closed:
            raise Suspended
        with self._waiting():
            return self.journal.ask_now(question)

    def give_up(self, scope: str) -> None:
        """Cancel what is at work in a scope, on the loop at once, in threads at their next call."""
        self._given_up.add(scope)
        for strand, began in list(self.strands.items()):
            if within(began, scope):
                strand.cancel()

    def is_given_up(self) -> bool:
        """Tell whether the current work is."""
        return any(within(SCOPE.get(), scope) for scope in self._given_up)

    async def withdraw(self, scope: str, reason: str) -> None:
        """Ask no longer what is asked in this scope, unless the execution has ended. On the loop."""
        if not self.closed:
            await self.journal.withdraw(f"{scope}/", reason)

    async def record(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record a step, unless the execution has ended; see `Journal.record`. On the loop."""
        if self.closed:
            raise Suspended
        await self.journal.record(step, value, event=event)

    def record_now(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record a step from synchronous code, unless the execution has ended; see `Journal.record_now`."""
        if self.closed:
            raise Suspended
        self.journal.record_now(step, value, event=event)

    def blame(self, error: Exception, failure: CrewFailed) -> None:
        """Take note of where an error came from: should nobody handle it, the execution fails so."""
        self._blamed.setdefault(id(error), (error, failure))

    def blamed(self, error: Exception) -> CrewFailed | None:
        """Give the failure that an error, which nobody handled, was first told as."""
        _, failure = self._blamed.get(id(error), (error, None))
        return failure

    def break_off(self, error: BaseException) -> None:
        """Make the execution end with this error now, whatever else is still at work. The first one counts."""
        if isinstance(error, Suspended):
            self.suspended = True
        elif not self.broken.done():
            self.broken.set_result(error)

    def close(self) -> None:
        """Let nothing more out."""
        with self._gate:
            self.closed = True
