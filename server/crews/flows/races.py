"""Methods that race: of those that one `or_` waits for, the first to end is taken, and the others are given up.

crewai lets whole branches race, so that the end of the second method may cut off what follows the first; and on a later
attempt, where much is recorded, another might be first. Here the first method that ends has won, once and for all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Any

from crewai.flow.runtime import Flow

from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.flows.bodies import BODIES
from server.crews.flows.catalogue import methods_of
from server.crews.run import RUN, Run


def install() -> None:
    """Wrap the place where crewai lets methods race."""
    if not is_wrapped(Flow._execute_racing_listeners):
        replace(Flow, "_execute_racing_listeners", _racing(Flow._execute_racing_listeners))


class Race:
    """A race between methods of a flow; `step` keeps who has won it.

    The others are given up: cancelled, told as skipped, and what they ask people is asked no longer.
    """

    def __init__(self, run: Run, step: str, names: Sequence[str]) -> None:
        self._run = run
        self._step = step
        self._names = names
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._scopes: dict[str, str] = {}
        self.winner: str | None = None

    async def hold(self, work: Callable[[str], Awaitable[Any]]) -> None:
        """Let all of them work, or the one that won before. Raises what the winner raised, or what all did."""
        token = RACE.set(self)
        try:
            self._tasks = {name: asyncio.ensure_future(work(name)) for name in await self._entrants()}
        finally:
            RACE.reset(token)
        await asyncio.wait(self._tasks.values())
        errors = {name: error for name, task in self._tasks.items() if (error := _error(task)) is not None}
        for error in [errors.get(self.winner)] if self.winner else errors.values():
            if error is not None:
                raise error

    async def _entrants(self) -> Sequence[str]:
        stored = self._run.journal.recall(self._step)
        if stored is None:
            return self._names
        self.winner = stored.decode()
        for name in self._names:
            if name != self.winner:  # it ran then: should it run again, that is the next time
                self._scopes[name] = self._run.step(f"m:{name}").lstrip("/")
        await self._withdraw()
        return [self.winner]

    def enter(self, name: str, scope: str) -> None:
        """Take note of where a method works."""
        if self.winner is None and name in self._names:
            self._scopes[name] = scope

    async def won(self, name: str) -> None:
        """Have this method win, unless another has already."""
        if self.winner is not None or name not in self._tasks:
            return
        self.winner = name
        for other, task in self._tasks.items():
            if other != name:
                task.cancel()
                self._run.give_up(self._scopes[other])
        await self._run.record(self._step, name.encode())
        await self._withdraw()

    async def _withdraw(self) -> None:
        for name, scope in self._scopes.items():
            if name != self.winner:
                await self._run.withdraw(scope, f"{self.winner} was there first.")

    def lost(self, name: str) -> bool:
        """Tell whether this method was given up."""
        return self.winner not in (None, name) and name in self._tasks


def _error(task: "asyncio.Task[Any]") -> BaseException | None:
    return None if task.cancelled() else task.exception()


#: The race that the current work is part of.
RACE: ContextVar[Race | None] = ContextVar("quarterdeck_race", default=None)


def _racing(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(original)
    async def execute_racing_listeners(
        self: Flow[Any], racing: frozenset[str], others: list[str], result: Any, trigger: str | None = None
    ) -> None:
        run, bodies = RUN.get(), BODIES.get()
        if run is None or bodies is None or bodies.flow is not self:
            await original(self, racing, others, result, trigger)
            return
        names = [name for name in methods_of(self) if name in racing]
        race = Race(run, run.step(f"race.{fingerprint(names)}"), names)

        async def work(name: str) -> Any:
            return await self._execute_single_listener(name, result, trigger)  # type: ignore[arg-type]

        await asyncio.gather(race.hold(work), *map(work, others))

    return execute_racing_listeners
