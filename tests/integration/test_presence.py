"""Who looks at a checkpoint, told to everybody: over two processes, as people come, write, leave, and are killed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from redis.asyncio import Redis

from protocol.commands import View
from protocol.errors import ErrorCode, Refused
from protocol.ids import ConnectionId, ExecutionId
from protocol.objects import Checkpoint
from server import keys
from server.dispatch import Dispatch
from server.dispatch.view import MOST_SEATS
from server.engine.worker import Worker
from server.hub import Hub
from server.pubsub import PubSub
from server.store import Store
from server.store.viewers import MOST, Seat
from tests.support.edge import QUICK, Memory
from tests.support.scripted import DIMAS, RARA, World
from tests.support.waiting import wait_until

HERS, HIS = ConnectionId("c_1"), ConnectionId("c_2")


class Process:
    """What of a web process has to do with presence."""

    def __init__(self, world: World, pubsub: PubSub, patience: float) -> None:
        store = Store(world.redis)
        store.viewer_patience = patience
        work = world.dispatch.work
        self.dispatch = Dispatch(store, work.workers, work.catalogue, work.queue)
        self.hub = Hub(pubsub, store)
        self.hub.patience = patience / 3

    async def watch(self, execution: ExecutionId) -> Memory:
        """Open an execution, as somebody does who only watches."""
        outlet = Memory()
        watch, found = await self.hub.watch(keys.OPEN_TENANT, execution, outlet, "start")
        watch.begin(found)
        await wait_until(lambda: "synced" in outlet.kinds(), description="the watcher is live")
        return outlet


@asynccontextmanager
async def process(world: World, *, patience: float = 30.0, alive: bool = True) -> AsyncIterator[Process]:
    """Run a process; one that is not `alive` tells Redis nothing of its own accord."""
    pubsub = PubSub(world.redis, times=QUICK)
    made = Process(world, pubsub, patience)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pubsub.run)
        tasks.start_soon(made.hub.run)
        if alive:
            tasks.start_soon(made.dispatch.views.run)
        assert await pubsub.prove(10)
        yield made
        tasks.cancel_scope.cancel()


@pytest.fixture
async def checkpoint(world: World) -> AsyncIterator[Checkpoint]:
    async with world.worker() as worker:
        yield await asked(world, worker)


async def asked(world: World, worker: Worker) -> Checkpoint:
    """Have a crew ask."""
    execution = await world.start()
    await worker.advance(world.store.member(execution))
    return await world.opened(execution)


def view(checkpoint: Checkpoint, state: Any = "viewing") -> View:
    return View(execution=checkpoint.execution, checkpoint=checkpoint.id, state=state)


def last(outlet: Memory) -> list[tuple[str, str]] | None:
    """Tell whom the last presence frame named, and what they do."""
    found = [frame for frame in outlet.frames if frame["type"] == "presence"]
    return [(viewer["name"], viewer["state"]) for viewer in found[-1]["viewers"]] if found else None


async def seen(outlet: Memory, *viewers: tuple[str, str]) -> None:
    await wait_until(lambda: last(outlet) == list(viewers), description=f"the last word is {viewers}")


async def test_people_see_each_other_come_write_and_leave_on_any_process(world: World, checkpoint: Checkpoint) -> None:
    async with process(world) as one, process(world) as other:
        hers, his = await one.watch(checkpoint.execution), await other.watch(checkpoint.execution)
        await one.dispatch.look(view(checkpoint), RARA, HERS)
        await seen(his, ("Rara", "viewing"))
        await other.dispatch.look(view(checkpoint, "editing"), DIMAS, HIS)
        for outlet in (hers, his):
            await seen(outlet, ("Rara", "viewing"), ("Dimas", "editing"))
        one.dispatch.leave(HERS)
        await seen(his, ("Dimas", "editing"))
        await other.dispatch.look(view(checkpoint, None), DIMAS, HIS)
        for outlet in (hers, his):
            await seen(outlet)


async def test_who_comes_later_is_told_who_is_there(world: World, checkpoint: Checkpoint) -> None:
    async with process(world) as one, process(world) as other:
        await one.dispatch.look(view(checkpoint), RARA, HERS)
        await wait_until(lambda: told(world, checkpoint), description="Redis knows")
        for place in (one, other, other):
            outlet = await place.watch(checkpoint.execution)
            await seen(outlet, ("Rara", "viewing"))


async def told(world: World, checkpoint: Checkpoint) -> bool:
    return bool(await world.store.viewers(checkpoint.execution))


async def test_a_process_that_dies_takes_its_viewers_with_it(world: World, checkpoint: Checkpoint) -> None:
    async with process(world, patience=0.6) as one, process(world, patience=0.6, alive=False) as dead:
        outlet = await one.watch(checkpoint.execution)
        await dead.dispatch.look(view(checkpoint), DIMAS, HIS)
        await dead.dispatch.views.tell()
        await seen(outlet, ("Dimas", "viewing"))
        await seen(outlet)
        await wait_until(lambda: gone(world.redis, checkpoint), description="nothing of it is left")


async def gone(redis: Redis, checkpoint: Checkpoint) -> bool:
    return not await redis.exists(keys.viewers(keys.OPEN_TENANT, checkpoint.execution))


async def test_who_stays_is_not_forgotten(world: World, checkpoint: Checkpoint) -> None:
    async with process(world, patience=0.6) as one:
        outlet = await one.watch(checkpoint.execution)
        await one.dispatch.look(view(checkpoint), RARA, HERS)
        await seen(outlet, ("Rara", "viewing"))
        first = await ending(world, checkpoint)
        await wait_until(lambda: longer(world, checkpoint, first + 600), description="it was said again")
        assert [frame["type"] for frame in outlet.frames].count("presence") == 1


async def ending(world: World, checkpoint: Checkpoint) -> int:
    """Tell until when a viewer is believed to be there, in milliseconds."""
    name = keys.viewers(keys.OPEN_TENANT, checkpoint.execution)
    row: Any = await world.redis.hget(name, f"{checkpoint.id}/{HERS}")
    return int(row.partition(b" ")[0])


async def longer(world: World, checkpoint: Checkpoint, than: int) -> bool:
    return await ending(world, checkpoint) >= than


async def test_the_list_has_an_end(world: World, checkpoint: Checkpoint) -> None:
    async with process(world) as one:
        outlet = await one.watch(checkpoint.execution)
        for number in range(MOST + 5):
            await one.dispatch.look(view(checkpoint), RARA, ConnectionId(f"c_{number:03}"))
        await wait_until(lambda: len(last(outlet) or ()) == MOST, description="all who have room are shown")
        one.dispatch.leave(ConnectionId("c_000"))
        await wait_until(lambda: len(last(outlet) or ()) == MOST - 1, description="one has left")


async def test_only_what_waits_for_an_answer_can_be_looked_at(world: World, checkpoint: Checkpoint) -> None:
    look = world.dispatch.look
    stranger = View(execution=checkpoint.execution, checkpoint="cp_none", state="viewing")  # type: ignore[arg-type] # any
    with pytest.raises(Refused) as refused:
        await look(stranger, RARA, HERS)
    assert refused.value.code is ErrorCode.NOT_FOUND
    await world.decide(checkpoint, "approve")
    with pytest.raises(Refused) as refused:
        await look(view(checkpoint), RARA, HERS)
    assert refused.value.code is ErrorCode.ALREADY_DECIDED
    await look(view(checkpoint, None), RARA, HERS)
    assert not await world.store.viewers(checkpoint.execution)


async def test_one_connection_looks_at_few(world: World) -> None:
    async with world.worker(slots=MOST_SEATS + 1) as worker:
        found = [await asked(world, worker) for _ in range(MOST_SEATS + 1)]
        for checkpoint in found[:-1]:
            await world.dispatch.look(view(checkpoint), RARA, HERS)
        with pytest.raises(Refused) as refused:
            await world.dispatch.look(view(found[-1]), RARA, HERS)
        assert refused.value.code is ErrorCode.OVER_QUOTA
        await world.dispatch.look(view(found[0], None), RARA, HERS)
        await world.dispatch.look(view(found[-1]), RARA, HERS)


async def test_what_redis_could_not_be_told_is_told_later(
    world: World, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    views, store = world.dispatch.views, world.store
    await views.look(view(checkpoint), RARA, HERS)
    failing = True
    show = store.show

    async def unsteady(seats: dict[Seat, Any]) -> None:
        if failing:
            raise ConnectionError("away")
        await show(seats)

    monkeypatch.setattr(store, "show", unsteady)
    assert not await views.tell()
    await views.look(view(checkpoint, "editing"), RARA, HERS)
    failing = False
    assert await views.tell()
    (presence,) = await store.viewers(checkpoint.execution)
    assert [(viewer.id, viewer.person, viewer.state) for viewer in presence.viewers] == [(HERS, "rara", "editing")]


async def test_a_server_that_lost_its_scripts_is_given_them_again(world: World, checkpoint: Checkpoint) -> None:
    await world.redis.script_flush()
    await world.dispatch.views.look(view(checkpoint), RARA, HERS)
    assert await world.dispatch.views.tell()
    assert await told(world, checkpoint)


async def test_it_belongs_to_a_socket(world: World, checkpoint: Checkpoint) -> None:
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(view(checkpoint), RARA)
    assert refused.value.code is ErrorCode.BAD_FRAME
