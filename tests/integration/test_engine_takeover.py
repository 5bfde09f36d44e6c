"""Whose an execution is: one worker's at a time, another's when that one dies or stops, and nobody's for long."""

import anyio
import pytest

from protocol.events import ExecutionCancelled, TaskStarted
from protocol.objects import State
from server.engine.worker import MOST_CRASHES
from server.journal import LeaseLost
from server.runnable import Journal, Outcome
from server.store import Write
from tests.support.scripted import World, kinds, plan
from tests.support.waiting import wait_until


async def test_a_live_worker_keeps_what_it_holds(world: World) -> None:
    async with world.worker("w1") as first, world.worker("w2") as second:
        execution = await world.start()
        await first.advance(world.store.member(execution))
        await world.opened(execution)
        await second.advance(world.store.member(execution))
        assert not second.attempts
        await first.attempts[execution].give_back(0)


async def test_a_worker_that_is_asked_several_times_at_once_starts_a_crew_once(world: World) -> None:
    """Two people answer two questions of a parked execution, one right after the other."""
    async with world.worker() as worker:
        execution = await world.start()
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(worker.advance, world.store.member(execution))
        await world.decide(await world.opened(execution), "approve")
        await world.state(execution, State.COMPLETED)
    events = await world.log(execution)
    assert kinds(events).count("execution.started") == 1
    assert "execution.recovered" not in kinds(events)


async def test_a_dead_worker_is_taken_over_once_and_its_writes_are_refused(world: World) -> None:
    async with world.worker("w1") as first, world.worker("w2") as second, world.worker("w3") as third:
        execution = await world.start()
        await first.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
        late = first.attempts[execution].journal
        await world.dies("w1")
        await world.decide(checkpoint, "revise", feedback="again")
        async with anyio.create_task_group() as group:
            for worker in (second, third):
                group.start_soon(worker.advance, world.store.member(execution))
        assert len(second.attempts) + len(third.attempts) == 1
        with pytest.raises(LeaseLost):
            await late.append(TaskStarted(task="late", index=9, round=1))
        await world.decide(await world.opened(execution, 2), "approve")
        await world.state(execution, State.COMPLETED)
    assert kinds(await world.log(execution)).count("execution.recovered") == 1


async def test_an_answer_given_while_nobody_lives_is_applied(world: World) -> None:
    async with world.worker("w1") as first:
        execution = await world.start()
        await first.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
    await world.dies("w1")
    await world.decide(checkpoint, "edit", output="kept")
    assert world.asked.asked[-1][0] == world.store.member(execution)
    async with world.worker("w2") as second:
        await second.advance(world.store.member(execution))
        await world.state(execution, State.COMPLETED)
    read = await world.dispatch.work.get(execution)
    assert (read.execution.output, read.execution.attempt) == ("kept", 2)
    assert kinds(await world.log(execution)).count("checkpoint.opened") == 1


async def test_what_was_recorded_is_there_on_the_next_attempt(world: World) -> None:
    seen: list[bytes | None] = []

    async def script(journal: Journal) -> Outcome:
        seen.append(journal.recall("draft"))
        if journal.attempt == 1:
            await journal.record("draft", b"first")
        return await plan(journal)

    world.crew.script = script
    async with world.worker("w1") as first:
        execution = await world.start()
        await first.advance(world.store.member(execution))
        await world.opened(execution)
    await world.dies("w1")
    async with world.worker("w2") as second:
        await second.advance(world.store.member(execution))
        await wait_until(lambda: len(seen) == 2, description="the second attempt runs")
        await world.decide(await world.opened(execution), "approve")
        await world.state(execution, State.COMPLETED)
    assert seen == [None, b"first"]


async def test_drain_gives_everything_back_and_another_goes_on(world: World) -> None:
    async with world.worker("w1") as first:
        execution = await world.start()
        await first.advance(world.store.member(execution))
        await world.opened(execution)
        await first.drain()
        assert not first.attempts
        fresh = await world.start()
        await first.advance(world.store.member(fresh))
        assert not first.attempts
    async with world.worker("w2") as second:
        for each in (execution, fresh):
            await world.store.look_after(each, -1)
        assert not await second.look(world.store.member(execution))  # it waits for a person, which costs nothing
        assert await second.look(world.store.member(fresh))
        await world.decide(await world.opened(execution), "approve")
        assert (await world.store.holder(execution)) is not None
        await second.advance(world.store.member(execution))
        await world.state(execution, State.COMPLETED)
        await second.advance(world.store.member(fresh))
        await world.decide(await world.opened(fresh), "approve")
        await world.state(fresh, State.COMPLETED)
    assert {"execution.parked", "execution.resumed"} <= set(kinds(await world.log(execution)))


async def test_an_execution_that_kills_its_workers_is_given_up(world: World) -> None:
    execution = await world.start()
    for number in range(MOST_CRASHES + 1):
        async with world.worker(f"w{number}") as worker:
            await worker.advance(world.store.member(execution))
            await wait_until(lambda n=number: len(world.crew.started) == n + 1, description="the crew runs")
            await world.opened(execution)
        await world.dies(f"w{number}")
    async with world.worker("last") as worker:
        await world.decide(await world.opened(execution), "revise", feedback="x")
        await worker.advance(world.store.member(execution))
        await world.state(execution, State.FAILED)
    read = await world.dispatch.work.get(execution)
    assert read.execution.error is not None
    assert read.execution.error.code == "gave_up"


async def test_lists_left_behind_by_a_crash_are_put_right(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
        await world.redis.delete("qd:{open}:inbox")
        assert await world.store.inbox() == []
        assert not await worker.look(world.store.member(execution))
        assert [c.id for c in await world.store.inbox()] == [checkpoint.id]
        await world.store.commit(execution, Write(data=ExecutionCancelled()))
        await world.redis.zadd("qd:active", {world.store.member(execution): 0})
        assert not await worker.look(world.store.member(execution))
        assert await world.store.due() == []


async def test_workers_take_turns_to_look_after_what_nobody_runs(world: World) -> None:
    """And a turn passes on by itself, so that no worker's death keeps the others from looking."""
    async with world.worker() as one, world.worker() as other:
        assert await one.workers.turn(one.ident, 0.3)
        assert not await other.workers.turn(other.ident, 0.3)
        assert not await one.workers.turn(one.ident, 0.3)
        await wait_until(lambda: other.workers.turn(other.ident, 60), description="the turn passes on")
        assert not await one.workers.turn(one.ident, 0.3)
