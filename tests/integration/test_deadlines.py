"""Deadlines: what was written out happens when a checkpoint's time is over, once, and nothing else ever does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from protocol.commands import Comment, Extend, Pause, Resume
from protocol.errors import ErrorCode, Refused
from protocol.events import CheckpointCommented, CheckpointExtended
from protocol.frames import seconds_of, timestamp
from protocol.ids import CheckpointId, ExecutionId
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
        assert member == world.store.member(execution)
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


async def test_more_time_is_given_from_the_deadline_on(world: World) -> None:
    """Whoever looked before sees it at once; and what was written out happens at the new deadline only."""
    execution = await started(world, 0)
    (checkpoint,) = await world.store.open_checkpoints(execution)
    assert checkpoint.deadline is not None
    command = Extend(execution=execution, checkpoint=checkpoint.id, seconds=600)
    extended = await world.dispatch.handle(command, RARA)
    (now,) = await world.store.open_checkpoints(execution)
    assert now.deadline == extended.deadline == timestamp(seconds_of(checkpoint.deadline) + 600)
    assert [one.deadline for one in await world.store.inbox()] == [now.deadline]
    event = (await world.log(execution))[-1]
    assert (event.data, event.by) == (
        CheckpointExtended(checkpoint=checkpoint.id, deadline=extended.deadline), RARA.actor
    )  # fmt: skip
    async with world.worker("w2") as worker:
        later(world, 5)
        assert await worker.expire() == []
        later(world, 7)
        assert len(await worker.expire()) == 1
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(command, RARA)
    assert refused.value.code is ErrorCode.ALREADY_DECIDED


async def test_what_is_late_gets_its_time_from_now(world: World) -> None:
    execution = await started(world, 0)
    (checkpoint,) = await world.store.open_checkpoints(execution)
    later(world, 60)
    extended = await world.dispatch.handle(
        Extend(execution=execution, checkpoint=checkpoint.id, seconds=60), RARA
    )  # fmt: skip
    assert 50 < seconds_of(extended.deadline) - world.store.clock() <= 60


async def test_no_time_is_given_where_there_is_no_deadline(world: World) -> None:
    execution = await started(world, 0, None)
    (checkpoint,) = await world.store.open_checkpoints(execution)
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(Extend(execution=execution, checkpoint=checkpoint.id, seconds=60), RARA)
    assert refused.value.code is ErrorCode.CONFLICT


async def test_people_comment_what_waits_once_each(world: World) -> None:
    execution = await started(world, 0)
    (checkpoint,) = await world.store.open_checkpoints(execution)
    command = Comment(execution=execution, checkpoint=checkpoint.id, text="Is it true?", key="one")
    first, again = [await world.dispatch.handle(command, RARA) for _ in range(2)]
    assert (again.offset, first.duplicate, again.duplicate) == (first.offset, False, True)
    log = await world.log(execution)
    assert [event.data.text for event in log if isinstance(event.data, CheckpointCommented)] == ["Is it true?"]
    assert [one.version for one in await world.store.open_checkpoints(execution)] == [1], "it still waits"
    await world.decide(checkpoint, "approve")
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(Comment(execution=execution, checkpoint=checkpoint.id, text="late"), RARA)
    assert refused.value.code is ErrorCode.ALREADY_DECIDED
    for ident, of in (("cp_none", execution), (checkpoint.id, "x_none")):
        missing = Comment(execution=ExecutionId(of), checkpoint=CheckpointId(ident), text="?")
        with pytest.raises(Refused) as refused:
            await world.dispatch.handle(missing, RARA)
        assert refused.value.code is ErrorCode.NOT_FOUND
