"""A crew's own bounds: how many of it run at once in a worker, and how long one may work."""

import anyio
import pytest

from protocol.objects import State
from server.runnable import Journal, Limits, Outcome
from tests.support.scripted import World, question
from tests.support.waiting import wait_until


async def forever(journal: Journal) -> Outcome:
    journal.busy(1)
    await anyio.sleep_forever()
    return Outcome(output="never")


async def fault(world: World, execution: object) -> str:
    view = await world.store.view(execution)  # type: ignore[arg-type] # an execution's id
    assert view is not None
    return view[0].error.code if view[0].error else ""


async def test_a_crew_that_works_too_long_fails(world: World) -> None:
    world.crew.script, world.crew.bounds = forever, Limits(seconds=0.2)
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        await world.state(execution, State.FAILED)
        await wait_until(lambda: worker.slots.taken == 0, description="its slot is free")
    assert await fault(world, execution) == "timeout"


@pytest.mark.parametrize("hot", [0, 30], ids=["parked", "hot"])
async def test_waiting_for_people_is_not_work(world: World, hot: float) -> None:
    world.crew.bounds = Limits(seconds=0.3)
    async with world.worker(hot=hot) as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
        with anyio.move_on_after(0.5):  # longer than it may work
            await world.state(execution, State.FAILED)
        await world.decide(checkpoint, "approve")
        await worker.advance(world.store.member(execution))
        await world.state(execution, State.COMPLETED)


async def test_work_before_a_rest_counts(world: World) -> None:
    async def slow(journal: Journal) -> Outcome:
        with anyio.move_on_after(0.2):
            await anyio.sleep_forever()
        await journal.ask(question())
        return await forever(journal)

    world.crew.script, world.crew.bounds = slow, Limits(seconds=0.5)
    async with world.worker(hot=0) as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
        await world.state(execution, State.WAITING)
        while execution in worker.attempts:
            await anyio.lowlevel.checkpoint()
        recorded = await world.store.journal(execution)
        assert float(recorded["worked"][1:]) >= 0.2
        await world.decide(checkpoint, "approve")
        await worker.advance(world.store.member(execution))
        await world.state(execution, State.FAILED)
    assert await fault(world, execution) == "timeout"


async def test_no_more_of_a_crew_run_at_once_than_it_allows(world: World) -> None:
    world.crew.bounds = Limits(concurrency=2)
    async with world.worker(slots=10) as worker:
        executions = [await world.start() for _ in range(3)]
        taken = [await worker.advance(world.store.member(execution)) for execution in executions]
        assert taken == [True, True, True]  # those that wait for people lend their place
        for execution in executions:
            await world.opened(execution)
        world.crew.script = forever
        for _ in range(2):
            assert await worker.advance(world.store.member(await world.start()))
        assert not await worker.advance(world.store.member(await world.start()))
