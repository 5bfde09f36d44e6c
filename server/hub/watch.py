"""One watcher's way from its position in the log to live."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import anyio

from protocol.frames import Synced, encode, error_frame
from server.hub.channel import Channel
from server.hub.refusals import gone, unknown
from server.outlet import Outlet
from server.recovery import After, Numbered, Page, Start, follow, locate, reaches, seek

if TYPE_CHECKING:
    from server.hub.hub import Hub

#: So many bytes of events go out before a watcher's socket is waited for.
WRITE = 256 * 1024


class Found(NamedTuple):
    """Where a watcher's replay begins, and the log's first page from there."""

    page: Page
    start: Start


class Watch:
    """Bring a watcher up to date and keep it live, until `close`.

    Made with the channel subscribed and confirmed, so that no event can fall between the log and what comes live.
    """

    __slots__ = (
        "_channel", "_epoch", "_generation", "_hub", "_joining", "_open", "_outlet", "_position", "_scope",
    )  # fmt: skip

    def __init__(self, hub: "Hub", channel: Channel, outlet: Outlet) -> None:
        self._hub = hub
        self._channel = channel
        self._outlet = outlet
        self._joining = True
        self._open = True
        self._scope: anyio.CancelScope | None = None
        channel.joining += 1

    async def locate(self, after: After) -> Found:
        """Read the first page and find where the replay begins; refuse an execution that does not exist."""
        self._generation = self._channel.generation
        page = await self._channel.log.page(self._channel.execution, seek(after), 1 if after == "now" else 300)
        if page is None:
            raise unknown(self._channel.execution)
        start = locate(after, page)
        self._epoch, self._position = page.epoch.encode(), start.offset
        return Found(page, start)

    def begin(self, found: Found) -> None:
        """Start the replay; it goes on beside the connection's other work."""
        self._scope = anyio.CancelScope()
        self._hub.spawn(partial(self._replay, found, self._scope))

    def close(self) -> None:
        """Stop watching."""
        if self._open:
            self._open = False
            self._joined()
            if self._scope is not None:
                self._scope.cancel()
            self._channel.live.discard(self._outlet)
            self._hub.release(self._channel)

    def _joined(self) -> None:
        if self._joining:
            self._joining = False
            self._channel.joining -= 1
            if not self._channel.joining:
                self._channel.recent.clear()

    async def _replay(self, found: Found, scope: anyio.CancelScope) -> None:
        with scope:
            page: Page | None = found.page if found.start.recovered else await self._restart()
            del found
            while page is not None:
                if page.epoch.encode() != self._epoch or not reaches(page, self._position):
                    page = await self._restart()
                    continue
                await self._send(page.frames)
                if self._go_live(page.last):
                    return
                page = await self._read()
            self._gone()

    async def _read(self) -> Page | None:
        self._generation = self._channel.generation
        return await self._hub.page(self._channel.log, self._channel.execution, self._position)

    async def _restart(self) -> Page | None:
        snapshot = await self._hub.read(lambda: self._channel.log.snapshot(self._channel.execution))
        if snapshot is None:
            return None
        self._hub.snapshots += 1
        self._epoch, self._position = snapshot.epoch.encode(), snapshot.offset
        self._outlet.send(encode(snapshot))
        return await self._read()

    async def _send(self, frames: list[Numbered]) -> None:
        batch: list[bytes] = []
        size = 0
        for offset, frame in follow(self._position, frames, upto=self._channel.bound(self._epoch)):
            batch.append(frame)
            size += len(frame)
            self._position = offset
            if size >= WRITE:
                await self._flush(batch)
                batch, size = [], 0
        await self._flush(batch)

    async def _flush(self, batch: list[bytes]) -> None:
        if batch and await self._outlet.drained():
            self._outlet.write(self._outlet.encoding.many(batch))
            self._hub.replayed += len(batch)

    def _go_live(self, top: int) -> bool:
        """Serve the last events and join the live, in one go: nothing can come between."""
        owed = self._channel.settle(self._epoch, self._position, top, self._generation)
        if owed is None:
            return False
        self._position += len(owed)
        synced = Synced(execution=self._channel.execution, epoch=self._epoch.decode(), offset=self._position)
        beside = [*self._channel.streams.frames, encode(synced), *self._channel.viewers.frames]
        self._outlet.write(self._outlet.encoding.many([*owed, *beside]))
        self._channel.live.add(self._outlet)
        self._channel.meet()
        self._joined()
        self._scope = None
        return True

    def _gone(self) -> None:
        self._outlet.send(encode(error_frame(gone(self._channel.execution), None)))
