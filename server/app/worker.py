"""The worker role: runs crews, and says that it lives."""

import os
import socket
from contextlib import AsyncExitStack

import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskGroup
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from protocol.ids import new_id
from protocol.objects import Crew
from server import crews, keys, telemetry
from server.app.reaper import Reaper
from server.app.sweep import Sweep
from server.engine.heartbeat import Heartbeat
from server.engine.worker import Worker
from server.files import Files
from server.pubsub import PubSub
from server.queue import Queue
from server.routes.operations import Check, Measure
from server.runnable import Runnable
from server.settings import Settings
from server.store import Outbox, Store, Workers
from server.store.client import OUTAGE, connect
from server.webhooks import configuration
from server.webhooks.deliverer import Deliverer
from server.webhooks.sender import Sender

log = structlog.get_logger("server.worker")
#: A Redis that lost its data is told of the crews again within this, in seconds.
LISTED_EVERY = 2.0
#: CrewAI makes every model and tool call on a thread of the loop's pool.
THREADS_PER_SLOT = 8


class WakeUps:
    """Hears the worker's wake channel."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def deliver(self, payload: bytes) -> None:
        """Wake the execution that the payload names."""
        self._worker.notice(payload)

    def missed(self) -> None:
        """Wake all: it is not known whose wake-up was lost."""
        self._worker.notice_all()

    def dropped(self) -> None:
        """Nothing: the channel is held for as long as the worker lives."""


class WorkerPart:
    """What a worker process is made of."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.ident = new_id("w")
        self.redis = connect(url)
        self.store = Store(self.redis, retention=settings.retention)
        self.workers = Workers(self.redis)
        self.worker = Worker(self.ident, self.store, self.workers, settings.slots, hot=settings.hot_seconds)
        self.heartbeat = Heartbeat(url, self.worker.report)
        self.queue = Queue(url, on_advance=self.worker.advance)
        self.pubsub = PubSub(self.redis)
        self.files = Files(settings.data)
        sweep = Sweep(self.files, self.store, settings.retention)
        self.reaper = Reaper(self.worker, self.workers, self.queue, self.heartbeat, sweep)
        webhooks = configuration.subscriptions(settings)
        self.sender = Sender(webhooks.allow, limit=settings.webhook_seconds)
        self.deliverer = Deliverer(Outbox(self.redis), self.sender, webhooks, public=settings.public_url)
        self.loaded = False
        self._stack = AsyncExitStack()
        self._taking = anyio.CancelScope()

    def routes(self) -> list[BaseRoute]:
        """Serve nothing of its own."""
        return []

    def guard(self, app: Starlette) -> None:
        """Guard nothing: what it serves, everybody may ask."""

    def checks(self) -> dict[str, Check]:
        """Be ready when the crews are loaded and the sign of life is heard."""
        return {"worker": self._ready}

    async def _ready(self) -> str | None:
        if not self.loaded:
            return "the crews are being loaded"
        try:
            return None if await self.workers.lives(self.ident) else "the heartbeat has run out"
        except OUTAGE as error:
            return f"Redis: {error}"

    def measures(self) -> list[Measure]:
        """Measure the slots."""
        return [self._measure]

    async def _measure(self) -> None:
        telemetry.OWN_SLOTS.set(self.worker.slots.total)
        telemetry.OWN_SLOTS_TAKEN.set(self.worker.slots.taken)

    async def drain(self) -> None:
        """Take no more work, give back what is held, and stop saying that it lives."""
        self._taking.cancel()
        await self.worker.drain()
        await anyio.to_thread.run_sync(self.heartbeat.stop)

    async def __aenter__(self) -> "WorkerPart":
        self._stack.push_async_callback(self.redis.aclose)
        self._stack.push_async_callback(self.sender.aclose)
        await self._stack.enter_async_context(self.queue)
        group = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(group.cancel_scope.cancel)
        group.start_soon(self.worker.run, self.heartbeat.pulse)
        group.start_soon(self._work, group)
        return self

    async def _work(self, group: TaskGroup) -> None:
        """Load the crews, then take work.

        Loading is done on a thread, so that the process answers meanwhile; but importing CrewAI holds the interpreter
        for seconds, so whatever has a deadline starts after it.
        """
        settings = self.settings
        loaded = await anyio.to_thread.run_sync(crews.load, settings.crews, settings.project, settings.config)
        crews.prepare_process(settings.slots * THREADS_PER_SLOT, settings.data, settings.prices)
        catalogue = [crew if isinstance(crew, Crew) else crew.describe() for crew in loaded.values()]
        await self._announce(loaded, catalogue)
        group.start_soon(self.pubsub.run)
        group.start_soon(self._stay_listed, catalogue)
        with self._taking:
            await self.pubsub.subscribe(keys.wake(self.ident), WakeUps(self.worker))
            await self.pubsub.subscribe(keys.outbox(), self.deliverer)
            async with anyio.create_task_group() as taking:
                taking.start_soon(self.reaper.run)
                taking.start_soon(self.deliverer.run)
                await self.queue.run(self.ident)

    async def _announce(self, loaded: dict[str, Runnable | Crew], catalogue: list[Crew]) -> None:
        running = {name: crew for name, crew in loaded.items() if not isinstance(crew, Crew)}
        for crew in catalogue:
            if crew.broken:
                log.error("crew.unusable", crew=crew.name, reason=crew.broken)
            elif crew.demo:
                log.warning("No language model is at work: demo texts.", crew=crew.name)
        self.worker.register(running, list(loaded))
        await self.workers.publish(catalogue)
        self.heartbeat.start()
        self.loaded = True
        log.info("worker.ready", worker=self.ident, host=socket.gethostname(), pid=os.getpid(), crews=list(loaded))

    async def _stay_listed(self, catalogue: list[Crew]) -> None:
        while True:
            await anyio.sleep(LISTED_EVERY)
            try:
                if await self.workers.publish_missing(catalogue):
                    log.warning("Redis had lost the catalogue of crews.")
            except OUTAGE as error:
                log.debug("catalogue.unknown", error=str(error))

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()
