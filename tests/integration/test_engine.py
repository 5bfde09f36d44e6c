"""The engine: leases, takeover, slots, cancel, drain. A crew is scripted; Redis is real."""

import asyncio

import anyio
import pytest

from protocol.commands import Cancel
from protocol.events import ExecutionCancelled, TaskStarted
from protocol.ids import ExecutionId
from protocol.objects import State
from server.engine.worker import MOST_CRASHES
from server.journal import LeaseLost
from server.runnable import CrewFailed, Journal, Outcome
from server.store import Write
from tests.support.scripted import DIMAS, RARA, World, kinds, plan, question
from tests.support.waiting import wait_until


def member(world: World, execution: ExecutionId) -> str:
    return world.store.member(execution)


async def test_a_run_from_start_to_end(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(member(world, execution))
        checkpoint = await world.opened(execution)
        await world.decide(checkpoint, "revise", feedback="shorter")
        checkpoint = await world.opened(execution, 2)
        await world.decide(checkpoint, "edit", output="mine")
        await world.state(execution, State.COMPLETED)
    events = await world.log(execution)
    assert kinds(events) == [
        "execution.queued", "execution.started", "task.started", "checkpoint.opened", "checkpoint.decided",
        "task.started", "checkpoint.opened", "checkpoint.decided", "task.completed", "execution.completed",
    ]  # fmt: skip
    read = await world.dispatch.work.get(execution)
    assert (read.execution.output, read.execution.progress.done) == ("mine", 1)
    assert [entry.action for entry in read.checkpoints[0].history] == ["revise", "edit"]
    assert await world.store.inbox() == []


async def test_stop_ends_as_stopped_and_keeps_the_checkpoint(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(member(world, execution))
        checkpoint = await world.opened(execution)
        await world.decide(checkpoint, "stop")
        await world.state(execution, State.STOPPED)
    assert kinds(await world.log(execution))[-1] == "execution.stopped"


async def test_a_live_worker_keeps_what_it_holds(world: World) -> None:
    async with world.worker("w1") as first, world.worker("w2") as second:
        execution = await world.start()
        await first.advance(member(world, execution))
        await world.opened(execution)
        await second.advance(member(world, execution))
        assert not second.attempts
        await first.attempts[execution].give_back(0)


async def test_a_worker_that_is_asked_several_times_at_once_starts_a_crew_once(world: World) -> None:
    """Two people answer two questions of a parked execution, one right after the other."""
    async with world.worker() as worker:
        execution = await world.start()
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(worker.advance, member(world, execution))
        await world.decide(await world.opened(execution), "approve")
        await world.state(execution, State.COMPLETED)
    events = await world.log(execution)
    assert kinds(events).count("execution.started") == 1
    assert "execution.recovered" not in kinds(events)


async def test_a_dead_worker_is_taken_over_once_and_its_writes_are_refused(world: World) -> None:
    async with world.worker("w1") as first, world.worker("w2") as second, world.worker("w3") as third:
        execution = await world.start()
        await first.advance(member(world, execution))
        checkpoint = await world.opened(execution)
        late = first.attempts[execution].journal
        await world.dies("w1")
        await world.decide(checkpoint, "revise", feedback="again")
        async with anyio.create_task_group() as group:
            for worker in (second, third):
                group.start_soon(worker.advance, member(world, execution))
        assert len(second.attempts) + len(third.attempts) == 1
        with pytest.raises(LeaseLost):
            await late.append(TaskStarted(task="late", index=9, round=1))
        await world.decide(await world.opened(execution, 2), "approve")
        await world.state(execution, State.COMPLETED)
    assert kinds(await world.log(execution)).count("execution.recovered") == 1


async def test_an_answer_given_while_nobody_lives_is_applied(world: World) -> None:
    async with world.worker("w1") as first:
        execution = await world.start()
        await first.advance(member(world, execution))
        checkpoint = await world.opened(execution)
    await world.dies("w1")
    await world.decide(checkpoint, "edit", output="kept")
    assert world.asked.asked[-1][0] == member(world, execution)
    async with world.worker("w2") as second:
        await second.advance(member(world, execution))
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
        await first.advance(member(world, execution))
        await world.opened(execution)
    await world.dies("w1")
    async with world.worker("w2") as second:
        await second.advance(member(world, execution))
        await wait_until(lambda: len(seen) == 2, description="the second attempt runs")
        await world.decide(await world.opened(execution), "approve")
        await world.state(execution, State.COMPLETED)
    assert seen == [None, b"first"]


async def test_cancel_ends_at_once_and_unwinds_the_crew(world: World) -> None:
    unwound = anyio.Event()

    async def script(journal: Journal) -> Outcome:
        try:
            return await plan(journal)
        finally:
            unwound.set()

    world.crew.script = script
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(member(world, execution))
        await world.opened(execution)
        await world.dispatch.handle(Cancel(execution=execution, reason="enough"), DIMAS)
        worker.notice(f"qd:{{open:{execution}}}".encode())
        with anyio.fail_after(10):
            await unwound.wait()
        await wait_until(lambda: not worker.attempts, description="the attempt is gone")
        assert worker.slots.taken == 0
    events = await world.log(execution)
    assert events[-1].by == DIMAS.actor
    assert (await world.dispatch.work.get(execution)).checkpoints[0].state == "withdrawn"
    assert await world.store.inbox() == []


async def test_a_failing_crew_fails_with_its_words(world: World) -> None:
    async def script(journal: Journal) -> Outcome:
        journal.emit(TaskStarted(task="plan", index=0, round=1))
        raise CrewFailed("task_failed", "The model is away.", "plan") from ValueError("a traceback for the log")

    world.crew.script = script
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(member(world, execution))
        await world.state(execution, State.FAILED)
    read = await world.dispatch.work.get(execution)
    assert read.execution.error is not None
    assert (read.execution.error.code, read.execution.error.message) == ("task_failed", "The model is away.")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), SystemExit(3), asyncio.CancelledError()])
async def test_a_crew_that_breaks_harms_nobody_else(world: World, error: BaseException) -> None:
    async def script(journal: Journal) -> Outcome:
        if world.crew.started.index(journal.execution) == 0:
            raise error
        return Outcome(output="fine")

    world.crew.script = script
    async with world.worker() as worker:
        broken, fine = await world.start(), await world.start()
        await worker.advance(member(world, broken))
        await world.state(broken, State.FAILED)
        await worker.advance(member(world, fine))
        await world.state(fine, State.COMPLETED)


async def test_waiting_for_people_lends_the_slot_to_others(world: World) -> None:
    async with world.worker(slots=1) as worker:
        executions = [await world.start() for _ in range(4)]
        for execution in executions:
            await worker.advance(member(world, execution))
            await world.opened(execution)
        await wait_until(lambda: worker.slots.taken == 0, description="no slot is held by who waits")
        for execution in executions:
            await world.decide(await world.opened(execution), "approve")
            await world.state(execution, State.COMPLETED)


async def test_no_more_crews_work_at_once_than_there_are_slots(world: World) -> None:
    go, working, most = anyio.Event(), [0], [0]

    async def script(journal: Journal) -> Outcome:
        working[0] += 1
        most[0] = max(most[0], working[0])
        await go.wait()
        working[0] -= 1
        return Outcome(output="")

    world.crew.script = script
    async with world.worker(slots=3) as worker:
        executions = [await world.start() for _ in range(8)]
        async with anyio.create_task_group() as group:
            for execution in executions:
                group.start_soon(worker.advance, member(world, execution))
        assert working[0] == 3
        go.set()
        for execution in executions:
            while not await worker.advance(member(world, execution)):
                pass
        for execution in executions:
            await world.state(execution, State.COMPLETED)
    assert most[0] == 3


async def test_drain_gives_everything_back_and_another_goes_on(world: World) -> None:
    async with world.worker("w1") as first:
        execution = await world.start()
        await first.advance(member(world, execution))
        await world.opened(execution)
        await first.drain()
        assert not first.attempts
        fresh = await world.start()
        await first.advance(member(world, fresh))
        assert not first.attempts
    async with world.worker("w2") as second:
        for each in (execution, fresh):
            await world.store.look_after(each, -1)
        assert not await second.look(world.store.member(execution))  # it waits for a person, which costs nothing
        assert await second.look(world.store.member(fresh))
        await world.decide(await world.opened(execution), "approve")
        assert (await world.store.holder(execution)) is not None
        await second.advance(member(world, execution))
        await world.state(execution, State.COMPLETED)
        await second.advance(member(world, fresh))
        await world.decide(await world.opened(fresh), "approve")
        await world.state(fresh, State.COMPLETED)
    assert {"execution.parked", "execution.resumed"} <= set(kinds(await world.log(execution)))


async def test_an_execution_that_kills_its_workers_is_given_up(world: World) -> None:
    execution = await world.start()
    for number in range(MOST_CRASHES + 1):
        async with world.worker(f"w{number}") as worker:
            await worker.advance(member(world, execution))
            await wait_until(lambda n=number: len(world.crew.started) == n + 1, description="the crew runs")
            await world.opened(execution)
        await world.dies(f"w{number}")
    async with world.worker("last") as worker:
        await world.decide(await world.opened(execution), "revise", feedback="x")
        await worker.advance(member(world, execution))
        await world.state(execution, State.FAILED)
    read = await world.dispatch.work.get(execution)
    assert read.execution.error is not None
    assert read.execution.error.code == "gave_up"


async def test_lists_left_behind_by_a_crash_are_put_right(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(member(world, execution))
        checkpoint = await world.opened(execution)
        await world.redis.delete("qd:{open}:inbox")
        assert await world.store.inbox() == []
        assert not await worker.look(world.store.member(execution))
        assert [c.id for c in await world.store.inbox()] == [checkpoint.id]
        await world.store.commit(execution, Write(data=ExecutionCancelled()))
        await world.redis.zadd("qd:active", {member(world, execution): 0})
        assert not await worker.look(world.store.member(execution))
        assert await world.store.due() == []


async def test_several_questions_may_be_open_at_once(world: World) -> None:
    async def script(journal: Journal) -> Outcome:
        answers: dict[str, str] = {}

        async def ask(step: str) -> None:
            answers[step] = (await journal.ask(question(step=step))).action

        async with anyio.create_task_group() as group:
            group.start_soon(ask, "t0/after")
            group.start_soon(ask, "t1/after")
        return Outcome(output=str(sorted(answers.items())))

    world.crew.script = script
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(member(world, execution))

        async def two() -> bool:
            return len(await world.store.open_checkpoints(execution)) == 2

        await wait_until(two, description="two checkpoints are open")
        first, second = await world.store.open_checkpoints(execution)
        assert (await world.decide(first, "approve")).state is State.WAITING
        assert (await world.decide(second, "edit", output="x", by=RARA)).state is State.RUNNING
        await world.state(execution, State.COMPLETED)


async def test_workers_take_turns_to_look_after_what_nobody_runs(world: World) -> None:
    """And a turn passes on by itself, so that no worker's death keeps the others from looking."""
    async with world.worker() as one, world.worker() as other:
        assert await one.workers.turn(one.ident, 0.3)
        assert not await other.workers.turn(other.ident, 0.3)
        assert not await one.workers.turn(one.ident, 0.3)
        await wait_until(lambda: other.workers.turn(other.ident, 60), description="the turn passes on")
        assert not await one.workers.turn(one.ident, 0.3)
