"""The inbox: the checkpoints that wait for people, followed over a connection of its own."""

from typing import Any, Self

import anyio
import msgspec

from protocol.client.errors import CommandError, Disconnected
from protocol.client.link import Link, Token
from protocol.client.watch import ENDS, Item, type_of
from protocol.commands import Watch
from protocol.events import CheckpointDecided, CheckpointExpired, CheckpointOpened, CheckpointWithdrawn, Event
from protocol.frames import Error, Reply
from protocol.ids import CheckpointId
from protocol.objects import Checkpoint

Open = dict[CheckpointId, Checkpoint]
ASK = "inbox"


def changed(waiting: Open, frame: Item) -> Open:
    """Tell what waits after an event. Pure."""
    data = frame.data if isinstance(frame, Event) else None
    match data:
        case CheckpointOpened():
            return {**waiting, data.checkpoint.id: data.checkpoint}
        case CheckpointDecided() | CheckpointExpired() | CheckpointWithdrawn():
            return {ident: one for ident, one in waiting.items() if ident != data.checkpoint}
    if isinstance(frame, Event) and type_of(frame) in ENDS:
        return {ident: one for ident, one in waiting.items() if one.execution != frame.execution}
    return waiting


class Inbox:
    """Iterate over the list of open checkpoints: at first, and after each change. Who reads slowly gets the latest."""

    def __init__(self, url: str, token: Token | None) -> None:
        self._link = Link(url, token, self._heard, self._opened)
        self._waiting: Open = {}
        self._news = anyio.Event()
        self._failure: Exception | None = None

    async def run(self) -> None:
        """Keep the connection, until cancelled."""
        async with anyio.create_task_group() as self._group:
            try:
                await self._link.run()
            except Disconnected as error:
                self._fail(error)

    async def _ask_later(self, pause: float) -> None:
        await anyio.sleep(pause)
        await self._opened()

    async def _opened(self) -> None:
        await self._link.send(Watch(id=ASK, inbox=True))

    def _heard(self, frame: Any) -> None:
        match frame:
            case Reply(re="inbox"):
                found = msgspec.convert(frame.data["checkpoints"], list[Checkpoint])
                self._become({one.id: one for one in found})
            case Error(retry=True):
                self._group.start_soon(self._ask_later, frame.retry_after or 1.0)
            case Error():
                self._fail(CommandError(frame))
            case Event():
                self._become(changed(self._waiting, frame))

    def _become(self, waiting: Open) -> None:
        if waiting is not self._waiting:
            self._waiting = waiting
            self._news.set()

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Checkpoint]:
        await self._news.wait()
        self._news = anyio.Event()
        if self._failure is not None:
            raise self._failure
        return sorted(self._waiting.values(), key=_urgency)


def _urgency(checkpoint: Checkpoint) -> tuple[bool, str, str]:
    """Put what has the nearest deadline first, then what waits longest."""
    return (checkpoint.deadline is None, checkpoint.deadline or "", checkpoint.opened_at)
