"""The executions that one connection watches: asked for on each connection, and again where events were lost."""

import random
from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Literal

import anyio
from anyio.abc import TaskGroup

from protocol.client.comeback import pause_after
from protocol.client.errors import CommandError
from protocol.client.watch import Item, Watch
from protocol.commands import Command, Unwatch
from protocol.commands import Watch as WatchCommand
from protocol.frames import Error, Reply, Snapshot, Synced
from protocol.ids import ExecutionId, Position

#: What the ids of our `watch` commands begin with.
MARK = "watch:"


class Watches:
    """Hand frames to who watches their execution. `send` sends a command over the present connection, if any."""

    def __init__(self, send: Callable[[Command], Awaitable[None]]) -> None:
        self._send = send
        #: Owns what is asked for later.
        self.group: TaskGroup | None = None
        self._all: dict[ExecutionId, list[Watch]] = {}
        #: How often each was asked for in vain since it last caught up.
        self._tries: dict[ExecutionId, int] = {}
        self._asking: set[ExecutionId] = set()

    async def begin(self, execution: ExecutionId, after: Position | Literal["start", "now"]) -> Watch:
        """Watch an execution from here on."""
        watch = Watch(execution, after, self.ask)
        self._all.setdefault(execution, []).append(watch)
        await self._send(self._command(execution))
        return watch

    async def end(self, watch: Watch) -> None:
        """Watch no longer."""
        others = self._all.get(watch.execution, [])
        others.remove(watch)
        if not others:
            del self._all[watch.execution]
            self._tries.pop(watch.execution, None)
            await self._send(Unwatch(execution=watch.execution))

    async def opened(self) -> None:
        """Ask for everything over a new connection."""
        for execution in list(self._all):
            await self._send(self._command(execution))

    def ask(self, execution: ExecutionId) -> None:
        """Ask for what is missing: at once, then more slowly each time it is in vain."""
        if execution in self._asking or execution not in self._all:
            return
        self._asking.add(execution)
        tries = self._tries[execution] = self._tries.get(execution, 0) + 1
        pause = 0.0 if tries == 1 else pause_after(1006, None, tries, random.random) or 0.0
        assert self.group is not None, "frames come while the client is entered"
        self.group.start_soon(self._ask_later, execution, pause)

    async def _ask_later(self, execution: ExecutionId, pause: float) -> None:
        await anyio.sleep(pause)
        self._asking.discard(execution)
        if execution in self._all:
            await self._send(self._command(execution))

    def _command(self, execution: ExecutionId) -> WatchCommand:
        """Ask from where the one is who has seen least; the others pass over what they have seen."""
        places = [watch.after for watch in self._all[execution]]
        positions: list[Position] = [place for place in places if isinstance(place, Position)]
        after: Position | Literal["start", "now"] = "now"
        if "start" in places:
            after = "start"
        elif positions:
            after = min(positions, key=attrgetter("offset"))
        return WatchCommand(id=MARK + execution, execution=execution, after=after)

    def heard(self, frame: Item) -> None:
        """Hand a frame to who watches its execution."""
        execution = frame.execution.id if isinstance(frame, Snapshot) else frame.execution
        for watch in self._all.get(execution, ()):
            watch.offer(frame)

    def synced(self, frame: Synced) -> None:
        """Learn that an execution has caught up."""
        self._tries.pop(frame.execution, None)

    def answered(self, frame: Reply | Error) -> bool:
        """Take the answer to a `watch` of ours; false when it is another command's."""
        if not isinstance(frame.re, str) or not frame.re.startswith(MARK):
            return False
        execution = ExecutionId(frame.re.removeprefix(MARK))
        if isinstance(frame, Reply):
            for watch in self._all.get(execution, ()):
                watch.begin(frame.data["epoch"], frame.data["last"])
        elif frame.retry:
            self.ask(execution)
        else:
            self._fail(execution, CommandError(frame))
        return True

    def _fail(self, execution: ExecutionId, error: Exception) -> None:
        for watch in self._all.get(execution, ()):
            watch.fail(error)

    def fail_all(self, error: Exception) -> None:
        """Raise an error at everybody who watches."""
        for execution in self._all:
            self._fail(execution, error)
