"""Deadlines: what was written out happens when a checkpoint's time is over, once, and nothing else ever does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from protocol.commands import Pause, Resume
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.objects import State
from server.runnable import Journal, Outcome
from tests.support.scripted import RARA, World, kinds, question


def asking(on_deadline: str | None) -> object:
    async def script(journal: Journal) -> Outcome:
        seconds = None if on_deadline is None else 60.0
        answer = await journal.ask(replace(question(), seconds=seconds, on_deadline=on_deadline))
        return Outcome(output=f"{answer.action} by {answer.by.name if answer.by else 'nobody'}")

    return script


async def started(world: World, hot: float, on_deadline: str | None = "skip") -> ExecutionId:
    world.crew.script = asking(on_deadline)  # type: ignore[assignment] # a script
    async with world.worker(hot=hot) as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        await world.opened(execution)
        await worker.drain()
    return execution


def later(world: World, minutes: float) -> None:
    now = world.store.clock
    world.store.clock = lambda: now() + timedelta(minutes=minutes).total_seconds()


async def output(world: World, execution: ExecutionId) -> str | None:
    await world.state(execution, State.COMPLETED)
    view = await world.store.view(execution)
    assert view is not None
    return view[0].output


async def test_at_the_deadline_what_was_written_out_is_the_answer(world: World) -> None:
    execution = await started(world, 0)
    (checkpoint,) = await world.store.open_checkpoints(execution)
    assert checkpoint.deadline is not None
    assert checkpoint.on_deadline == "skip"
    async with world.worker("w2") as worker:
        assert await worker.expire() == []
        assert await world.store.open_checkpoints(execution)
        later(world, 2)
        ((member, _),) = await worker.expire()
        assert member == execution
        assert await worker.expire() == []
        assert await world.store.inbox() == []
        await worker.advance(world.store.member(execution))
        assert await output(world, execution) == "skip by nobody"
    assert kinds(await world.log(execution)).count("checkpoint.expired") == 1


async def test_a_hot_execution_hears_of_it(world: World) -> None:
    world.crew.script = asking("skip")  # type: ignore[assignment] # a script
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        await world.opened(execution)
        later(world, 2)
        assert await worker.expire() == []
        worker.notice_all()
        assert await output(world, execution) == "skip by nobody"


async def test_whoever_decides_first_wins(world: World) -> None:
    execution = await started(world, 0)
    (checkpoint,) = await world.store.open_checkpoints(execution)
    later(world, 2)
    await world.decide(checkpoint, "approve")
    async with world.worker("w2") as worker:
        assert await worker.expire() == []
        await worker.advance(world.store.member(execution))
        assert await output(world, execution) == "approve by Rara"


async def test_who_comes_too_late_is_told(world: World) -> None:
    execution = await started(world, 0)
    (checkpoint,) = await world.store.open_checkpoints(execution)
    later(world, 2)
    async with world.worker("w2") as worker:
        await worker.expire()
    with pytest.raises(Refused) as refused:
        await world.decide(checkpoint, "approve")
    assert refused.value.code is ErrorCode.ALREADY_DECIDED
    assert "deadline" in refused.value.message


async def test_without_a_deadline_silence_answers_nothing(world: World) -> None:
    execution = await started(world, 0, None)
    later(world, 60 * 24 * 365)
    async with world.worker("w2") as worker:
        assert await worker.expire() == []
    assert len(await world.store.open_checkpoints(execution)) == 1


async def test_a_paused_execution_rests_though_its_deadline_passes(world: World) -> None:
    execution = await started(world, 0)
    await world.dispatch.handle(Pause(execution=execution), RARA)
    later(world, 2)
    async with world.worker("w2") as worker:
        await worker.expire()
        await worker.advance(world.store.member(execution))
        assert not worker.attempts
        await world.dispatch.handle(Resume(execution=execution), RARA)
        await worker.advance(world.store.member(execution))
        assert await output(world, execution) == "skip by nobody"
