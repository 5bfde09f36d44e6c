"""The engine: how a run goes on a worker, ends and fails, and how many at once. A crew is scripted; Redis is real."""

import asyncio

import anyio
import pytest

from protocol.commands import Cancel
from protocol.events import TaskStarted
from protocol.objects import State
from server.runnable import CrewFailed, Journal, Outcome
from tests.support.scripted import DIMAS, RARA, World, kinds, plan, question
from tests.support.waiting import wait_until


async def test_a_run_from_start_to_end(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
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
        await worker.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
        await world.decide(checkpoint, "stop")
        await world.state(execution, State.STOPPED)
    assert kinds(await world.log(execution))[-1] == "execution.stopped"


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
        await worker.advance(world.store.member(execution))
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
        await worker.advance(world.store.member(execution))
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
        await worker.advance(world.store.member(broken))
        await world.state(broken, State.FAILED)
        await worker.advance(world.store.member(fine))
        await world.state(fine, State.COMPLETED)


async def test_waiting_for_people_lends_the_slot_to_others(world: World) -> None:
    async with world.worker(slots=1) as worker:
        executions = [await world.start() for _ in range(4)]
        for execution in executions:
            await worker.advance(world.store.member(execution))
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
                group.start_soon(worker.advance, world.store.member(execution))
        assert working[0] == 3
        go.set()
        for execution in executions:
            while not await worker.advance(world.store.member(execution)):
                pass
        for execution in executions:
            await world.state(execution, State.COMPLETED)
    assert most[0] == 3


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
        await worker.advance(world.store.member(execution))

        async def two() -> bool:
            return len(await world.store.open_checkpoints(execution)) == 2

        await wait_until(two, description="two checkpoints are open")
        first, second = await world.store.open_checkpoints(execution)
        assert (await world.decide(first, "approve")).state is State.WAITING
        assert (await world.decide(second, "edit", output="x", by=RARA)).state is State.RUNNING
        await world.state(execution, State.COMPLETED)
