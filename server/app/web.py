"""The web role: sockets, the page, REST. Never imports crewai."""

import time
from collections import Counter
from contextlib import AsyncExitStack

import anyio
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from server import telemetry
from server.app.doorkeeper import Doorkeeper
from server.app.exposure import Exposure
from server.assets import Assets, find_root
from server.auth.doorman import Doorman
from server.catalogue import Catalogue
from server.connection import Endpoint, Policy
from server.dispatch import Dispatch
from server.files import Files
from server.hub import Hub
from server.pubsub import PubSub
from server.queue import Queue
from server.rates import Rates
from server.routes.agui import AgUi
from server.routes.api import Api
from server.routes.compat import Compat
from server.routes.compat.health import Health
from server.routes.openapi import OpenApi
from server.routes.operations import Check, Measure
from server.routes.places import Places
from server.routes.reference import Reference
from server.settings import Settings, is_loopback
from server.store import Store, Workers
from server.store.apikeys import ApiKeys
from server.store.client import OUTAGE, connect
from server.store.counters import Counters
from server.store.tickets import Tickets
from server.webhooks import configuration

#: The word that proves the way through Redis must be back within this, in seconds.
PROOF_LIMIT = 3.0
#: Counting executions reads them; a count is kept for so long, in seconds.
COUNT_EVERY = 5.0


class Web:
    """What a web process is made of."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.redis = connect(url)
        self.store = Store(self.redis, retention=settings.retention)
        self.workers = Workers(self.redis)
        self.catalogue = Catalogue(self.workers, list(settings.crews))
        self.queue = Queue(url)
        self.rates = Rates(Counters(self.redis), settings.rate_limits)
        webhooks = configuration.subscriptions(settings)
        self.dispatch = Dispatch(self.store, self.workers, self.catalogue, self.queue, self.rates, webhooks)
        self.pubsub = PubSub(self.redis)
        self.hub = Hub(self.pubsub, self.store)
        self.doorman = Doorman(settings.auth, ApiKeys(self.redis), Tickets(self.redis), attempts=self.rates)
        limits = settings.rate_limits
        policy = Policy(origins=settings.origins, commands_per_10s=limits.commands_in(10) if limits else None)
        self.endpoint = Endpoint(
            self.hub, self.dispatch, policy, self.doorman, crews=lambda: self.catalogue.names, admit=self.rates.connect
        )
        self.places = Places(limits)
        self.api = Api(self.dispatch, self.hub, Files(settings.data), self.places)
        self.agui = AgUi(self.dispatch, self.hub, self.places)
        self.compat = Compat(self.dispatch, self.hub, settings.default_crew)
        self.health = Health(self.store, lambda: self.endpoint.draining)
        self._stack = AsyncExitStack()
        self._counted = float("-inf")
        #: Nobody is asked who they are, since only this machine reaches it: if that is so.
        self._unguarded = is_loopback(settings.host) and not (settings.auth.required or settings.insecure)

    def routes(self) -> list[BaseRoute]:
        """Serve the socket, REST, AG-UI, the contracts of existing front ends, and the page."""
        return [
            WebSocketRoute("/ws", self.endpoint),
            Mount("/api/v1", routes=self.api.routes()),
            *self.agui.routes(),
            *self.compat.routes(),
            *self.health.routes(),
            *OpenApi().routes(),
            *Reference().routes(),
            *Assets(find_root()).routes(),
        ]

    def guard(self, app: Starlette) -> None:
        """Let nobody in who must say who they are and does not."""
        app.add_middleware(Doorkeeper, doorman=self.doorman)
        if self._unguarded:
            app.add_middleware(Exposure)

    def checks(self) -> dict[str, Check]:
        """Prove the subscription by a word that comes back through it, and the crews by what workers report."""
        return {"redis": self._heard, "crews": self._crews, "draining": self._draining}

    async def _heard(self) -> str | None:
        heard = await self.pubsub.prove(PROOF_LIMIT)
        return None if heard else f"what is published in Redis is not heard within {PROOF_LIMIT:g} s"

    async def _crews(self) -> str | None:
        try:
            return None if await self.catalogue.reported() else "no live worker has reported every crew"
        except OUTAGE as error:
            return f"Redis: {error}"

    async def _draining(self) -> str | None:
        return "the server is shutting down" if self.endpoint.draining else None

    def measures(self) -> list[Measure]:
        """Measure sockets, and count what is in Redis."""
        return [self._measure_sockets, self._measure_redis]

    async def _measure_sockets(self) -> None:
        telemetry.CONNECTIONS.set(len(self.endpoint.connections))
        telemetry.ACCEPTED.set(self.endpoint.accepted)
        telemetry.FRAMES_SENT.set(self.hub.frames_sent + self.hub.replayed)
        telemetry.QUEUE_BYTES.set(self.endpoint.queue_bytes())
        telemetry.REDIS_SILENCE.set(self.pubsub.age())
        telemetry.REPAIRS.set(self.hub.repairs)

    async def _measure_redis(self) -> None:
        if time.monotonic() - self._counted < COUNT_EVERY:
            return
        self._counted = time.monotonic()  # whoever asks while it is counted is told what was counted before
        try:
            counts = await self.store.count()
            waiting = sum([await store.count_inbox() for store in await self.store.everywhere()])
            reports = await self.workers.live()
        except OUTAGE:
            return
        _set_counts(counts)
        telemetry.OPEN_CHECKPOINTS.set(waiting)
        telemetry.SLOTS.clear()
        telemetry.SLOTS_TAKEN.clear()
        for report in reports:
            telemetry.SLOTS.labels(report.id).set(report.slots)
            telemetry.SLOTS_TAKEN.labels(report.id).set(report.running)

    async def drain(self) -> None:
        """Take leave of every socket, and of who waits for events."""
        self.places.drain()
        await self.compat.drain()
        await self.endpoint.drain()
        await self.dispatch.views.tell()

    async def __aenter__(self) -> "Web":
        self._stack.push_async_callback(self.redis.aclose)
        await self._stack.enter_async_context(self.queue)
        group = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(group.cancel_scope.cancel)
        group.start_soon(self.pubsub.run)
        group.start_soon(self.hub.run)
        group.start_soon(self.endpoint.mind_keys)
        group.start_soon(self.dispatch.views.run)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()


def _set_counts(counts: Counter[tuple[str, str]]) -> None:
    telemetry.EXECUTIONS.clear()
    for (crew, state), number in counts.items():
        telemetry.EXECUTIONS.labels(crew, state).set(number)
