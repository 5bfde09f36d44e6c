"""Who waits for whom: a slow receiver for nobody but itself, and a quick one for nothing at all."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from protocol.commands import Cancel, Start
from protocol.ids import ExecutionId
from server import keys
from server.auth import Principal, Role
from server.webhooks import deliverer
from tests.support.hooks import Hooks, hook
from tests.support.receiver import Answer, Receiver
from tests.support.scripted import World
from tests.support.waiting import wait_until

KOPI = Principal("rara", "Rara", "kopi", frozenset({Role.ADMIN}))


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def slow(release: threading.Event) -> Iterator[list[Receiver]]:
    """Sixteen receivers that do not answer until they are released."""
    with ExitStack() as stack:
        receivers = [stack.enter_context(Receiver()) for _ in range(16)]
        for each in receivers:
            each.usual = Answer(hold=release)
        yield receivers
        release.set()


async def of_kopi(hooks: Hooks, *urls: str) -> ExecutionId:
    """Make an execution of another tenant, which has ended."""
    webhooks = [hook(url, "execution.cancelled") for url in urls]
    start = Start(crew="scripted", inputs={"topic": "tea"}, webhooks=webhooks)
    execution: ExecutionId = (await hooks.world.dispatch.handle(start, KOPI)).execution
    await hooks.world.dispatch.handle(Cancel(execution=execution), KOPI)
    return execution


async def test_a_slow_host_under_many_addresses_holds_up_nobody_else(
    world: World, receiver: Receiver, slow: list[Receiver], release: threading.Event
) -> None:
    hooks = Hooks(world)
    each = [slow[0].url(f"/{number}") for number in range(10)]
    waiting = [await hooks.cancelled(*each) for _ in range(40)]
    quick = await hooks.cancelled(receiver.url())
    async with hooks.delivering(limit=30):
        await hooks.reached(quick, "delivered")
        release.set()
        for execution in waiting:
            await hooks.reached(execution, *["delivered"] * 10)
    assert len({call.id for call in slow[0].calls}) == len(slow[0].calls) == 400


async def test_many_slow_hosts_hold_up_no_host_beside_them_and_no_other_tenant(
    world: World, receiver: Receiver, slow: list[Receiver], release: threading.Event
) -> None:
    hooks = Hooks(world)
    first, second = [each.url() for each in slow[:8]], [each.url() for each in slow[8:]]
    waiting = [await hooks.cancelled(*urls) for _ in range(10) for urls in (first, second)]
    async with hooks.delivering(limit=30) as running:
        await wait_until(lambda: all(each.calls for each in slow), description="all of them are called")
        mine, _ = await hooks.cancelled(receiver.url("/mine")), await of_kopi(hooks, receiver.url("/theirs"))
        await wait_until(lambda: bool(receiver.at("/theirs")), description="the other tenant's is called")
        await hooks.reached(mine, "delivered")
        release.set()
        for execution in waiting:
            await hooks.reached(execution, *["delivered"] * 8)
        await wait_until(lambda: not running.busy, description="the other tenant's is delivered")


async def test_a_quick_receiver_is_told_all_that_is_due_without_a_pause(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put off until its time, and not until one before it is told, does not come in this test."""
    monkeypatch.setattr(deliverer, "LATER", 3600.0)
    hooks = Hooks(world)
    executions = [await hooks.cancelled(*(receiver.url(f"/{number}") for number in range(10))) for _ in range(10)]
    async with hooks.delivering():
        for execution in executions:
            await hooks.reached(execution, *["delivered"] * 10)
    assert len({call.id for call in receiver.calls}) == len(receiver.calls) == 100


async def test_nothing_is_left_when_all_is_delivered(world: World, receiver: Receiver) -> None:
    hooks = Hooks(world)
    async with hooks.delivering():
        for number in range(3):
            execution = await hooks.cancelled(receiver.url(f"/{number}"))
            await hooks.reached(execution, "delivered")
    assert await world.redis.keys(f"{keys.outbox()}*") == []
