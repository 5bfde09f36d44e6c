"""The hub: which channels are open in this process, and the tasks that repair and replay them."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from protocol.ids import ExecutionId
from server import keys
from server.hub.channel import Channel
from server.hub.inbox import Inbox, InboxWatch
from server.hub.refusals import unavailable
from server.hub.watch import Found, Watch
from server.outlet import Outlet
from server.pubsub import PubSub
from server.recovery import After, Log, Logs, Page
from server.store.client import OUTAGE

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: So many reads of the log run at once: after an outage every channel wants one.
READERS = 32
#: A read that fails is tried again after at most this long, in seconds.
PATIENCE = 1.0
#: While somebody looks at a checkpoint, it is read this often whether they still do, in seconds.
LOOK_AGAIN = 5.0
#: One read of the log may take this long, in seconds.
READ_LIMIT = 10.0


class Hub:
    """Deliver each tenant's events to its sockets. `run` owns the tasks; watching needs it to run."""

    def __init__(self, pubsub: PubSub, logs: Logs) -> None:
        self.repairs = 0
        self.snapshots = 0
        self.replayed = 0
        self._pubsub = pubsub
        self._logs = logs
        #: By their names in Redis, which the tenant is a part of.
        self._channels: dict[str, Channel] = {}
        self._inboxes: dict[str, Inbox] = {}
        self._readers = anyio.Semaphore(READERS)
        self._tasks: TaskGroup | None = None
        self._written = 0
        #: Between two looks at who looks, in seconds.
        self.patience = LOOK_AGAIN

    @property
    def channels(self) -> int:
        """How many executions are open here."""
        return len(self._channels)

    @property
    def frames_sent(self) -> int:
        """How many frames were written to sockets live, one for each socket; `replayed` counts the others."""
        open_now = sum(channel.live.written for channel in self._channels.values())
        return self._written + open_now + sum(inbox.live.written for inbox in self._inboxes.values())

    async def run(self) -> None:
        """Own the repairs and replays until cancelled."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                await self._look_after_viewers()
            finally:
                self._tasks = None

    async def _look_after_viewers(self) -> None:
        """Notice the viewers of which no process speaks any more."""
        while True:
            await anyio.sleep(self.patience)
            for channel in self._channels.values():
                if channel.viewers:
                    channel.viewers.known = False
                    channel.meet()

    async def watch(self, tenant: str, execution: ExecutionId, outlet: Outlet, after: After) -> tuple[Watch, Found]:
        """Open an execution of a tenant for an outlet and find its place in the log; nothing is sent until `begin`.

        Raises `Refused`: `not_found`, or `unavailable` while Redis is out of reach.
        """
        name = keys.channel(tenant, execution)
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(self, self._logs.of(tenant), execution, name)
        await self._open(channel)
        watch = Watch(self, channel, outlet)
        try:
            return watch, await self._once(watch.locate(after))
        except BaseException:
            watch.close()
            raise

    async def watch_inbox(self, tenant: str, outlet: Outlet) -> InboxWatch:
        """Open a tenant's inbox for an outlet; its `checkpoints` are those that are open now."""
        name = keys.inbox(tenant)
        inbox = self._inboxes.get(name)
        if inbox is None:
            inbox = self._inboxes[name] = Inbox(self, self._logs.of(tenant), name)
        await self._open(inbox)
        watch = InboxWatch(self, inbox, outlet)
        try:
            await self._once(watch.load())
        except BaseException:
            watch.close()
            raise
        return watch

    # What channels and watches use

    async def read(self, reading: Callable[[], Awaitable[T]]) -> T:
        """Read from the log, for as long as it takes."""
        delay = 0.05
        while True:
            try:
                async with self._readers:
                    with anyio.fail_after(READ_LIMIT):
                        return await reading()
            except OUTAGE as error:
                logger.warning("the log cannot be read: %s", error)
            await asyncio.sleep(random.uniform(0.5, 1) * delay)
            delay = min(PATIENCE, delay * 2)

    async def page(self, log: Log, execution: ExecutionId, after: int) -> Page | None:
        """Read a page of a log, for as long as it takes."""
        return await self.read(lambda: log.page(execution, after))

    def spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a repair or a replay beside everything else. What goes wrong in it stays there."""
        if self._tasks is not None:
            self._tasks.start_soon(_contained, work)

    def release(self, channel: Channel | Inbox) -> None:
        """Take back one use of a channel."""
        self._pubsub.release(channel.name)

    def forget(self, channel: Channel) -> None:
        """Close a channel that nobody uses."""
        self._written += channel.live.written
        if self._channels.get(channel.name) is channel:
            del self._channels[channel.name]

    def forget_inbox(self, inbox: Inbox) -> None:
        """Close an inbox that nobody uses."""
        self._written += inbox.live.written
        if self._inboxes.get(inbox.name) is inbox:
            del self._inboxes[inbox.name]

    async def _open(self, channel: Channel | Inbox) -> None:
        try:
            await self._pubsub.subscribe(channel.name, channel)
        except TimeoutError:
            raise unavailable() from None

    async def _once(self, reading: Awaitable[T]) -> T:
        try:
            with anyio.fail_after(READ_LIMIT):
                async with self._readers:
                    return await reading
        except OUTAGE as error:
            logger.warning("the log cannot be read: %s", error)
            raise unavailable() from None


async def _contained(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Exception:
        logger.exception("a watcher could not be served")
