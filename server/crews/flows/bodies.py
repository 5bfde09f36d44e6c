"""What the bodies of a flow's methods did: recorded, so that no later attempt runs them again.

A body is the code of a flow's author. What it gave, and what it changed in the flow, is recorded when it has ended, in
the order of the endings; a later attempt gives the result again, and makes the same changes in the same order.

Of bodies that ran beside each other nobody can tell who changed what: they are recorded together, once the last of them
has ended. One that waits for a person, and has changed nothing before, does not count meanwhile.

What cannot be recorded is run again on a later attempt, and so is every body that changed the flow after it, for its
changes would come too early; what such a body calls (crews, models, tools, people) comes from the journal all the same.
"""

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import msgspec
from crewai.flow.runtime import Flow

from protocol.objects import Usage
from server.crews.calls.codec import Unwritable
from server.crews.flows import state
from server.crews.flows.state import Changes, Snapshot, snapshot
from server.crews.flows.values import from_bytes, to_bytes
from server.crews.parts import Part
from server.crews.run import Run
from server.runnable import Suspended

#: The names of the steps: how the flow began, and what its bodies did.
BEGAN, DID = "flow", "did."


class Result(msgspec.Struct, frozen=True):
    """What a body gave, and what it cost."""

    value: msgspec.Raw
    usage: Usage = Usage()
    seconds: float = 0.0


class Entry(msgspec.Struct, frozen=True):
    """Bodies that ended: their results by step, those that must run again, and what they changed together."""

    results: dict[str, Result] = {}
    again: list[str] = []
    changes: Changes = Changes()


@dataclass
class Stretch:
    """Bodies that run beside each other: what the flow was before, and what those gave that ended with changes."""

    before: Snapshot
    results: dict[str, Result] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    spoiled: bool = False


@dataclass(eq=False)
class Body:
    """A body at work, and what the flow was when it began, or went on after it had waited for a person."""

    step: str
    before: Snapshot
    changed: bool = False


class Bodies:
    """The bodies of one flow, from its kickoff to its end.

    `prefix` comes before the names of its steps; `within` is the part of the execution that kicked it off.
    """

    def __init__(self, run: Run, flow: Flow[Any], prefix: str = "", within: str = "") -> None:
        self.run = run
        self.flow = flow
        self.prefix = prefix
        self.within = within
        self._earlier: list[tuple[int, Entry]] = []
        self._made = 0
        self._next = 0
        self._recorded: set[str] = set()
        self._running: set[Body] = set()
        self._waiting: set[Body] = set()
        self._last: Snapshot | None = None
        self._stretch: Stretch | None = None
        self._out_of_step = False
        self._begun = False
        self._due: list[Entry] = []
        self._lock = anyio.Lock()
        self._gate = threading.RLock()

    async def once(self, mine: Part, body: Callable[[], Awaitable[Any]]) -> Any:
        """Run a body, or give what it gave on an earlier attempt."""
        await self._begin()
        for number, entry in self._earlier:
            if (result := entry.results.get(mine.scope)) is not None:
                self._catch_up(number)
                self._recorded.add(mine.scope)
                mine.resume(result.usage, result.seconds)
                return from_bytes(bytes(result.value))
        self._catch_up(next((number for number, entry in self._earlier if mine.scope in entry.again), None))
        return await self._watched(mine, body)

    def is_recorded(self, mine: Part) -> bool:
        """Tell whether what a body gave is recorded."""
        return mine.scope in self._recorded

    async def _begin(self) -> None:
        """Have the flow begin as it did on the first attempt, whatever its author's defaults give now."""
        async with self._lock:
            if self._begun:
                return
            self._begun = True
            step = f"{self.prefix}{BEGAN}"
            if (stored := self.run.journal.recall(step)) is not None:
                state.apply(self.flow, msgspec.json.decode(stored, type=Changes))
                self._earlier = sorted(self._recalled(), key=lambda entry: entry[0])
                self._next = self._earlier[-1][0] + 1 if self._earlier else 0
            else:
                whole = state.everything(snapshot(self.flow), but=str(self.run.journal.execution))
                await self.run.record(step, msgspec.json.encode(whole))

    def _recalled(self) -> Iterator[tuple[int, Entry]]:
        begin = f"{self.prefix}{DID}"
        for step in list(self.run.journal.steps()):
            if step.startswith(begin) and (stored := self.run.journal.recall(step)) is not None:
                yield int(step.removeprefix(begin)), msgspec.json.decode(stored, type=Entry)

    def _catch_up(self, number: int | None) -> None:
        """Make the changes that were made up to an entry; without a number, all of them."""
        while self._made < len(self._earlier) and (number is None or self._earlier[self._made][0] <= number):
            state.apply(self.flow, self._earlier[self._made][1].changes)
            self._made += 1
            self._last = None

    async def _watched(self, mine: Part, work: Callable[[], Awaitable[Any]]) -> Any:
        """Run a body, see what it does, and record it."""
        body = Body(mine.scope, {})
        self._enter(body)
        try:
            with self.run.calling(safe=False, on_wait=partial(self._wait, body)):
                gave = await work()
        except Suspended:
            self._break(body)
            await self._record()
            raise
        except BaseException:
            self._break(body)
            raise
        self._end(body, _result(mine, gave))
        await self._record()
        return gave

    def _enter(self, body: Body) -> None:
        with self._gate:
            body.before = snapshot(self.flow)
            if not self._running:
                self._look_for_strangers(body.before)
                self._stretch = Stretch(body.before)
            self._running.add(body)

    def _look_for_strangers(self, now: Snapshot) -> None:
        """Where somebody changed the flow while no body was at work, take it that one which waits has done so."""
        if self._last is not None and self._last != now:
            self._out_of_step = True
            for body in self._waiting:
                body.changed = True

    def _wait(self, body: Body, waits: bool) -> None:
        """Take note that a body waits for a person: one that has changed nothing so far is not at work meanwhile."""
        with self._gate:
            if not waits:
                if body in self._waiting:
                    self._enter(body)
                    self._waiting.discard(body)
                return
            after = snapshot(self.flow)
            body.changed |= body.before != after
            if not body.changed:
                self._waiting.add(body)
                self._leave(body, after)

    def _break(self, body: Body) -> None:
        """Take note that a body came to no end; where it changed something, nobody knows the whole of it."""
        with self._gate:
            after = snapshot(self.flow)
            self._at_work.spoiled |= body.changed or body.before != after
            self._leave(body, after)

    def _end(self, body: Body, result: Result | None) -> None:
        """Take note that a body has ended."""
        with self._gate:
            after, stretch = snapshot(self.flow), self._at_work
            if not body.changed and body.before == after:
                self._due.append(Entry(results={body.step: result}) if result else Entry(again=[body.step]))
            elif result is not None:
                stretch.results[body.step] = result
            else:
                stretch.again.append(body.step)
                stretch.spoiled = True
            self._leave(body, after)

    @property
    def _at_work(self) -> Stretch:
        assert self._stretch is not None, "a body that ends has begun"
        return self._stretch

    def _leave(self, body: Body, after: Snapshot) -> None:
        """Make one entry of a stretch that is over, or have all of it run again."""
        self._running.discard(body)
        if self._running:
            return
        self._last = after
        stretch = self._at_work
        made = state.changes(stretch.before, after)
        if made is not None and not stretch.spoiled and not self._out_of_step:
            self._due.append(Entry(results=stretch.results, changes=made))
            return
        self._out_of_step |= made != Changes()
        self._due.append(Entry(again=[*stretch.results, *stretch.again]))

    async def _record(self) -> None:
        """Record what is due, in the order in which it came to be: nothing is there without what came before it."""
        async with self._lock:
            while self._due:
                entry = self._due.pop(0)
                if entry.results or entry.again:
                    await self.run.record(f"{self.prefix}{DID}{self._next}", msgspec.json.encode(entry))
                    self._recorded |= entry.results.keys()
                    self._next += 1


def _result(mine: Part, gave: Any) -> Result | None:
    """Write down what a body gave; nothing when that cannot be written."""
    try:
        return Result(msgspec.Raw(to_bytes(gave)), mine.usage, mine.seconds)
    except Unwritable:
        return None


#: The flow at work, innermost.
BODIES: ContextVar[Bodies | None] = ContextVar("quarterdeck_bodies", default=None)
