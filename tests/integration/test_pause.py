"""Pause and resume: an execution that is paused leaves its worker at its next safe point, and goes on when told to."""

import asyncio

import pytest

from protocol.commands import Cancel, Pause, Resume
from protocol.errors import ErrorCode, Refused
from protocol.events import LlmCompleted, TaskStarted
from protocol.ids import ExecutionId
from protocol.objects import State
from server.runnable import Journal, Outcome, Suspended
from tests.support.scripted import RARA, World, gone, handed_over, kinds
from tests.support.waiting import wait_until


class Steps:
    """A crew of five calls, each recorded; the first `hold` of them wait until they are let go."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.calling = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, journal: Journal) -> Outcome:
        if journal.recall("started") is None:
            await journal.record("started", b"", event=TaskStarted(task="plan", index=0, round=1))
        for number in range(5):
            if journal.recall(str(number)) is not None:
                continue
            if journal.suspending:
                raise Suspended
            journal.busy(1)
            self.calling.set()
            await self.go.wait()
            self.done.append(number)
            event = LlmCompleted(call=str(number), stream=str(number), model="m")
            await journal.record(str(number), b"answer", event=event)
            journal.busy(-1)
        return Outcome(output="done")


async def test_a_pause_lets_the_call_in_flight_end_and_nothing_is_done_twice(world: World) -> None:
    steps = world.crew.script = Steps()
    async with world.worker("w1") as first, world.worker("w2") as second:
        execution = await world.start()
        await first.advance(await handed_over(world))
        await steps.calling.wait()
        reply = await world.dispatch.handle(Pause(execution=execution, reason="lunch"), RARA)
        assert reply.state is State.PAUSED
        first.notice_all()
        await wait_until(lambda: first.attempts[execution].journal.suspending, description="the worker knows")
        steps.go.set()
        await gone(world, execution)
        assert steps.done == [0]
        assert (await world.store.holder(execution)).state is State.PAUSED  # type: ignore[union-attr] # it is there
        await second.advance(world.store.member(execution))
        assert not second.attempts
        await world.dispatch.handle(Resume(execution=execution), RARA)
        await second.advance(await handed_over(world))
        await world.state(execution, State.COMPLETED)
    assert steps.done == [0, 1, 2, 3, 4]
    log = await world.log(execution)
    assert kinds(log)[:6] == [
        "execution.queued", "execution.started", "task.started", "execution.paused", "llm.completed",
        "execution.parked",
    ]  # fmt: skip
    assert [event.by.name for event in log if event.by] == ["Rara", "Rara", "Rara"]
    assert kinds(log).count("task.started") == 1


@pytest.mark.parametrize("resumed_early", [False, True])
async def test_paused_while_it_waits_it_is_decided_and_goes_on_when_resumed(world: World, resumed_early: bool) -> None:
    async with world.worker("w1") as worker:
        execution = await world.start()
        await worker.advance(await handed_over(world))
        checkpoint = await world.opened(execution)
        await world.dispatch.handle(Pause(execution=execution), RARA)
        worker.notice_all()
        await gone(world, execution)
        for step in ("resume", "decide") if resumed_early else ("decide", "resume"):
            if step == "resume":
                await world.dispatch.handle(Resume(execution=execution), RARA)
            else:
                await world.decide(checkpoint, "approve")
            world.asked.asked[:-1] = []
        await worker.advance(await handed_over(world))
        await world.state(execution, State.COMPLETED)


async def test_a_queued_execution_is_paused_and_resumed(world: World) -> None:
    execution = await world.start()
    await world.dispatch.handle(Pause(execution=execution), RARA)
    async with world.worker() as worker:
        await worker.advance(await handed_over(world))
        assert not worker.attempts
        await world.dispatch.handle(Resume(execution=execution), RARA)
        await worker.advance(await handed_over(world))
        await world.decide(await world.opened(execution), "approve")
        await world.state(execution, State.COMPLETED)


@pytest.mark.parametrize("paused", [False, True])
async def test_what_rests_can_be_cancelled_and_its_checkpoints_close(world: World, paused: bool) -> None:
    async with world.worker(hot=0) as worker:
        execution = await world.start()
        await worker.advance(await handed_over(world))
        await world.opened(execution)
        if paused:
            await world.dispatch.handle(Pause(execution=execution), RARA)
            worker.notice_all()
        await gone(world, execution)
        await world.dispatch.handle(Cancel(execution=execution, reason="enough"), RARA)
    assert await world.store.open_checkpoints(execution) == []
    assert await world.store.inbox() == []
    assert (await world.store.holder(execution)).state is State.CANCELLED  # type: ignore[union-attr] # it is there


async def test_resuming_what_is_not_paused_is_refused(world: World) -> None:
    execution = await world.start()
    for command in (Resume(execution=execution), Resume(execution=ExecutionId("x_none"))):
        with pytest.raises(Refused) as refused:
            await world.dispatch.handle(command, RARA)
        known = command.execution == execution
        assert refused.value.code is (ErrorCode.CONFLICT if known else ErrorCode.NOT_FOUND)
