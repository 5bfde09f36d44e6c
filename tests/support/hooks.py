"""A world whose executions have webhooks, and what delivers them, by a clock of the test's own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio

from protocol.commands import Cancel, Deliveries, Resend
from protocol.ids import ExecutionId
from protocol.objects import Checkpoint
from protocol.replies import Page, Resent
from protocol.webhooks import Delivery, Webhook
from server import keys
from server.pubsub import PubSub
from server.store import Outbox
from server.webhooks.addresses import Allow
from server.webhooks.deliverer import Deliverer
from server.webhooks.sender import Sender
from server.webhooks.subscriptions import Configured, Subscriptions
from tests.support.edge import QUICK
from tests.support.receiver import SECRET
from tests.support.scripted import RARA, World
from tests.support.waiting import wait_until

HERE = Allow.read(["127.0.0.1"])
PUBLIC = "https://crews.example"


class Hooks:
    """Start executions with webhooks, deliver, and look what became of it."""

    def __init__(self, world: World, configured: Sequence[Configured] = (), allow: Allow = HERE) -> None:
        self.world = world
        self.deliverers: list[Deliverer] = []
        self._ahead = 0.0
        self.subscriptions = Subscriptions(configured, allow=allow)
        self.outbox = Outbox(world.redis, ahead=lambda: self._ahead)
        world.dispatch.work = replace(world.dispatch.work, webhooks=self.subscriptions, outbox=self.outbox)

    def clock(self) -> float:
        return self.world.store.clock() + self._ahead

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += seconds
        for deliverer in self.deliverers:
            deliverer.missed()

    @asynccontextmanager
    async def delivering(
        self, *, limit: float = 5.0, wrong: float = 0.0, outbox: Outbox | None = None
    ) -> AsyncIterator[Deliverer]:
        """Run a deliverer, whose machine's clock may be wrong, and which may see the outbox in its own way."""
        sender = Sender(self.subscriptions.allow, limit=limit)
        deliverer = Deliverer(
            outbox or self.outbox,
            sender,
            self.subscriptions,
            public=PUBLIC,
            clock=lambda: self.clock() + wrong,
            chance=lambda: 0.0,
        )
        pubsub = PubSub(self.world.redis, times=QUICK)
        async with anyio.create_task_group() as group:
            group.start_soon(pubsub.run)
            await pubsub.subscribe(keys.outbox(), deliverer)
            group.start_soon(deliverer.run)
            self.deliverers.append(deliverer)
            yield deliverer
            self.deliverers.remove(deliverer)
            group.cancel_scope.cancel()
        await sender.aclose()

    async def start(self, *webhooks: Webhook) -> ExecutionId:
        """Start an execution, and have the worker take it, if there is one."""
        execution = await self.world.start(webhooks=list(webhooks))
        for worker in self.world.running:
            await worker.advance(self.world.store.member(execution))
        return execution

    async def cancelled(self, *urls: str) -> ExecutionId:
        """Make an execution that has ended; a webhook at each address hears of its end."""
        execution = await self.start(*(hook(url, "execution.cancelled") for url in urls))
        await self.world.dispatch.handle(Cancel(execution=execution), RARA)
        return execution

    async def asked(self, *webhooks: Webhook) -> Checkpoint:
        """Start an execution, and wait until it asks a person."""
        return await self.world.opened(await self.start(*webhooks))

    async def deliveries(self, execution: ExecutionId) -> Sequence[Delivery]:
        page: Page[Delivery] = await self.world.dispatch.handle(Deliveries(execution=execution), RARA)
        return page.items

    async def resend(self, execution: ExecutionId, delivery: str) -> Delivery:
        resent: Resent = await self.world.dispatch.handle(Resend(execution=execution, delivery=delivery), RARA)
        return resent.delivery

    async def reached(self, execution: ExecutionId, *states: str) -> Sequence[Delivery]:
        """Wait until the deliveries of an execution are in these states, in the order of its events."""
        found: list[Delivery] = []

        async def look() -> bool:
            found[:] = await self.deliveries(execution)
            return [each.state for each in found] == list(states)

        await wait_until(look, description=f"deliveries are {states}")
        return found

    async def attempted(self, execution: ExecutionId, times: int) -> Delivery:
        """Wait until the first delivery of an execution was attempted so often."""
        found: list[Delivery] = []

        async def look() -> bool:
            found[:] = await self.deliveries(execution)
            return bool(found) and len(found[0].attempts) == times

        await wait_until(look, description=f"{times} attempts")
        return found[0]

    async def forget(self) -> None:
        """Leave nothing that is still to be delivered."""
        found: list[Any] = await self.world.redis.keys(f"{keys.outbox()}*")
        await self.world.redis.delete(keys.outbox(), *found)

    async def queued(self) -> list[str]:
        """List what is in the outbox, by its names there."""
        found: list[Any] = []
        for lane in await self.world.redis.keys(f"{keys.outbox()}:*"):
            found += await self.world.redis.zrange(lane, 0, -1)
        return sorted(member.decode() for member in found)


def hook(url: str, *events: str, secret: str | None = SECRET, form: str = "standard") -> Webhook:
    return Webhook(url=url, events=list(events), secret=secret, format=form)  # type: ignore[arg-type] # by the test
