"""Rest: an execution that waits leaves its worker, and any goes on with it."""

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from protocol.events import ExecutionParked
from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, State
from server.journal import LeaseLost
from server.runnable import Journal, Outcome, Suspended
from tests.support.scripted import Script, World, gone, handed_over, kinds, question
from tests.support.waiting import wait_until


async def test_who_waits_longer_than_hot_leaves_its_worker_and_any_other_goes_on(world: World) -> None:
    async with world.worker("w1", hot=0.05) as first, world.worker("w2") as second:
        execution = await world.start()
        await first.advance(await handed_over(world))
        checkpoint = await world.opened(execution)
        await gone(world, execution)
        assert (first.slots.taken, first.attempts) == (0, {})
        assert (await world.store.holder(execution)).state is State.WAITING  # type: ignore[union-attr] # it is there
        await world.decide(checkpoint, "approve")
        await second.advance(await handed_over(world))
        await world.state(execution, State.COMPLETED)
    assert kinds(await world.log(execution)) == [
        "execution.queued", "execution.started", "task.started", "checkpoint.opened", "execution.parked",
        "checkpoint.decided", "execution.resumed", "task.started", "task.completed", "execution.completed",
    ]  # fmt: skip


async def test_who_is_answered_in_time_stays_with_its_worker(world: World) -> None:
    async with world.worker(hot=30) as worker:
        execution = await world.start()
        await worker.advance(await handed_over(world))
        await world.decide(await world.opened(execution), "approve")
        await world.state(execution, State.COMPLETED)
    assert "execution.parked" not in kinds(await world.log(execution))


async def test_ten_rests_in_a_row(world: World) -> None:
    async with world.worker(hot=0) as worker:
        execution = await world.start()
        for version in range(1, 11):
            await worker.advance(await handed_over(world))
            checkpoint = await world.opened(execution, version)
            await gone(world, execution)
            await world.decide(checkpoint, "revise" if version < 10 else "approve", feedback="again")
        await worker.advance(await handed_over(world))
        await world.state(execution, State.COMPLETED)
    assert kinds(await world.log(execution)).count("execution.parked") == 10


async def test_an_answer_at_the_very_moment_of_leaving_is_not_lost(world: World) -> None:
    """The decision is made at every step of the worker's leaving: whoever is last sees that there is work."""
    async with world.worker(hot=0) as worker:
        for delay in range(40):
            world.asked.asked.clear()
            execution = await world.start()
            await worker.advance(await handed_over(world))
            checkpoint = await world.opened(execution)
            for _ in range(delay):
                await anyio.lowlevel.checkpoint()
            await world.decide(checkpoint, "approve")
            await _carried_on(world, execution, worker_name="w1")


def two(told: list[str]) -> Script:
    """A crew that asks two people at once, and tells of each answer as soon as it has it."""

    async def script(journal: Journal) -> Outcome:
        async def ask(step: str) -> None:
            answer = await journal.ask(question(step=step))
            told.append(f"{step} {answer.action}")

        await gather(ask("t0/after"), ask("t1/after"))
        return Outcome(output="both")

    return script


async def gather(*asking: Coroutine[Any, Any, None]) -> None:
    """Have all come to their end; where one of them is suspended, so is the crew, once the others are."""
    ended = await asyncio.gather(*asking, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error


async def _both_opened(world: World, execution: ExecutionId) -> list[Checkpoint]:
    found: list[Checkpoint] = []

    async def look() -> bool:
        found[:] = await world.store.open_checkpoints(execution)
        return len(found) == 2

    await wait_until(look, description="both are asked")
    return sorted(found, key=lambda checkpoint: checkpoint.id)


async def test_one_of_two_answers_is_used_though_nobody_was_told_of_it(world: World) -> None:
    """The web process dies between the answer and the message to the workers, while the execution is parked."""
    told: list[str] = []
    world.crew.script = two(told)
    async with world.worker(hot=0) as worker:
        execution = await world.start()
        await worker.advance(await handed_over(world))
        first, second = await _both_opened(world, execution)
        await gone(world, execution)
        assert not await worker.look(world.store.member(execution)), "all of it waits"
        await world.decide(first, "approve")
        world.asked.asked.clear()
        assert await worker.look(world.store.member(execution))
        await worker.advance(world.store.member(execution))
        await wait_until(lambda: bool(told), description="the answer is used")
        await gone(world, execution)
        assert not await worker.look(world.store.member(execution)), "the rest of it waits"
        await world.decide(second, "approve")
        await _carried_on(world, execution, worker_name="w1")
    parked = [event.data for event in await world.log(execution) if isinstance(event.data, ExecutionParked)]
    assert [set(data.waiting_for) for data in parked] == [{first.id, second.id}, {second.id}]


async def test_one_of_two_answers_is_used_though_the_worker_died_with_it(world: World) -> None:
    told: list[str] = []
    world.crew.script = two(told)
    async with world.worker("w1") as dying, world.worker("w2") as other:
        execution = await world.start()
        await dying.advance(await handed_over(world))
        first, _ = await _both_opened(world, execution)
        assert not await other.look(world.store.member(execution))
        dying.attempts[execution].leave()
        await world.dies("w1")
        await world.decide(first, "approve")
        world.asked.asked.clear()
        assert await other.look(world.store.member(execution))
        await other.advance(world.store.member(execution))
        await wait_until(lambda: bool(told), description="the answer is used")
    assert "execution.recovered" in kinds(await world.log(execution))


async def test_a_snapshot_tells_that_an_execution_is_parked(world: World) -> None:
    async with world.worker(hot=0) as worker:
        execution = await world.start()
        await worker.advance(await handed_over(world))
        checkpoint = await world.opened(execution)
        await gone(world, execution)
        assert (await world.dispatch.work.get(execution)).execution.parked
        await world.decide(checkpoint, "approve")
        assert not (await world.dispatch.work.get(execution)).execution.parked


async def _carried_on(world: World, execution: ExecutionId, worker_name: str) -> None:
    worker = next(worker for worker in world.running if worker.ident == worker_name)
    with anyio.fail_after(10):
        while (holder := await world.store.holder(execution)) is not None and holder.state is not State.COMPLETED:
            for due in await world.store.due():  # what the reaper does
                if await worker.look(due):
                    await worker.advance(due)
            while world.asked.asked:
                await worker.advance(world.asked.asked.pop()[0])
            await anyio.lowlevel.checkpoint()


async def test_nothing_is_written_after_the_lease_was_given_up(world: World) -> None:
    async with world.worker(hot=0) as worker:
        execution = await world.start()
        await worker.advance(await handed_over(world))
        journal = worker.attempts[execution].journal
        await world.opened(execution)
        await gone(world, execution)
    with pytest.raises(LeaseLost):
        await journal.record("late", b"x")
    assert not world.store.record_blocking(execution, journal.fence, "late", b"x")
    assert "late" not in await world.store.journal(execution)


async def test_two_strands_that_ask_leave_when_both_have_and_come_back_with_both_answers(world: World) -> None:
    async def pair(journal: Journal) -> Outcome:
        results = await asyncio.gather(
            *(journal.ask(question(1, step)) for step in ("t0/after", "t1/after")), return_exceptions=True
        )
        if any(isinstance(result, BaseException) for result in results):
            raise Suspended
        return Outcome(output=" ".join(answer.action for answer in results))  # type: ignore[union-attr] # checked

    world.crew.script = pair
    async with world.worker(hot=0) as worker:
        execution = await world.start()
        await worker.advance(await handed_over(world))
        await gone(world, execution)
        both = await world.store.open_checkpoints(execution)
        assert len(both) == 2
        for checkpoint, action in zip(both, itertools.cycle(["approve", "edit"]), strict=False):
            await world.decide(checkpoint, action, output="text" if action == "edit" else None)
        world.asked.asked[:-1] = []
        await worker.advance(await handed_over(world))
        await world.state(execution, State.COMPLETED)
        shown = await world.store.view(execution)
    assert shown is not None
    assert sorted((shown[0].output or "").split()) == ["approve", "edit"]
