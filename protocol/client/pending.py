"""Commands that wait for their answers, over as many connections as it takes."""

from dataclasses import dataclass, field
from typing import Any

import anyio

from protocol.client.errors import CommandError
from protocol.commands import Command
from protocol.frames import Error, Reply


@dataclass(eq=False)
class Pending:
    """A command that was not answered yet."""

    command: Command
    answered: anyio.Event = field(default_factory=anyio.Event)
    data: Any = None
    failure: Exception | None = None

    async def result(self) -> Any:
        """Wait for the answer: the reply's data, or what it raises."""
        await self.answered.wait()
        if self.failure is not None:
            raise self.failure
        return self.data

    def fail(self, error: Exception) -> None:
        """Answer it with an error."""
        self.failure = error
        self.answered.set()


class Unanswered:
    """All of them, in the order they were given."""

    def __init__(self) -> None:
        self._waiting: dict[int | str, Pending] = {}

    def add(self, command: Command) -> Pending:
        """Wait for an answer to this command, which has an id."""
        assert command.id is not None, "given by the client"
        pending = self._waiting[command.id] = Pending(command)
        return pending

    def drop(self, command: Command) -> None:
        """Wait no longer."""
        self._waiting.pop(command.id or 0, None)

    def commands(self) -> list[Command]:
        """List what must be sent again over a new connection."""
        return [pending.command for pending in self._waiting.values()]

    def take(self, frame: Reply | Error) -> None:
        """Hand an answer to whoever waits for it."""
        pending = None if frame.re is None else self._waiting.get(frame.re)
        if pending is None:
            return
        if isinstance(frame, Error):
            pending.fail(CommandError(frame))
        else:
            pending.data = frame.data
            pending.answered.set()

    def fail_all(self, error: Exception) -> None:
        """Answer everything with an error: there will be no connection any more."""
        for pending in self._waiting.values():
            pending.fail(error)
