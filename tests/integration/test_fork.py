"""Forks: what they share with their original, what they do anew, and that the original never notices."""

import asyncio
from typing import Any

import pytest

from protocol.commands import Cancel, Get, Pause, Start
from protocol.events import LlmCompleted
from protocol.ids import ExecutionId
from protocol.objects import CheckpointState, Origin, State
from server import keys
from server.dispatch import Read, Started
from server.runnable import Journal, Outcome
from tests.support.forking import asks, finished, fork, lawful
from tests.support.scripted import DIMAS, RARA, World, kinds, question

SHARED = ["execution.queued", "execution.started", "task.started", "checkpoint.opened"]


async def stored(world: World, execution: ExecutionId) -> list[Any]:
    """Everything that Redis has of an execution."""
    names = keys.execution(keys.OPEN_TENANT, execution)
    return [
        await world.redis.xrange(names.log),
        *[await world.redis.hgetall(name) for name in names if name != names.log],
    ]


async def test_a_fork_of_what_has_ended_shares_the_work_and_ends_otherwise(world: World) -> None:
    async with world.worker():
        first = await asks(world, title="Tea")
        await world.decide(first, "approve")
        original = await finished(world, first.execution)
        before = await stored(world, first.execution)
        made = await fork(world, first, "edit", DIMAS, output="another plan")
        assert world.asked.asked[-1] == (world.store.member(made.execution), 6)
        ended = await finished(world, made.execution)
        assert await stored(world, first.execution) == before
    assert (original.execution.output, ended.execution.output) == ("draft 1", "another plan")
    origin = Origin(execution=first.execution, checkpoint=first.id, offset=4)
    assert (ended.execution.forked_from, ended.execution.title, ended.execution.owner) == (origin, "Tea", DIMAS.actor)
    assert (made.offset, made.epoch, made.duplicate) == (6, ended.execution.epoch, False)
    assert ended.execution.epoch != original.execution.epoch
    log = await world.log(made.execution)
    assert kinds(log)[:6] == [*SHARED, "execution.parked", "checkpoint.decided"]
    assert [event.at for event in log[:4]] == [event.at for event in (await world.log(first.execution))[:4]]
    (checkpoint,) = ended.checkpoints
    assert (checkpoint.execution, checkpoint.draft, checkpoint.digest) == (made.execution, first.draft, first.digest)
    assert checkpoint.id != first.id
    assert [(judged.action, judged.by) for judged in checkpoint.history] == [("edit", DIMAS.actor)]


@pytest.mark.parametrize("state", [State.WAITING, State.PAUSED, State.CANCELLED, State.STOPPED, State.RUNNING])
async def test_the_original_may_be_in_any_state(world: World, state: State) -> None:
    going = asyncio.Event()

    async def slow(journal: Journal) -> Outcome:
        answer = await journal.ask(question())
        if answer.action == "approve":
            journal.busy(1)
            await going.wait()
        return Outcome(output=answer.output or answer.action)

    if state is State.RUNNING:
        world.crew.script = slow
    async with world.worker() as worker:
        first = await asks(world)
        if state is State.PAUSED:
            await world.dispatch.handle(Pause(execution=first.execution), RARA)
        elif state is State.CANCELLED:
            await world.dispatch.handle(Cancel(execution=first.execution), RARA)
            worker.notice_all()
        elif state is not State.WAITING:
            await world.decide(first, "stop" if state is State.STOPPED else "approve")
        await world.state(first.execution, state)
        made = await fork(world, first, "edit", output="mine")
        ended = await finished(world, made.execution)
        await lawful(world, made.execution)
        await world.state(first.execution, state)
        going.set()
    assert ended.execution.output == "mine"


async def test_every_version_of_a_checkpoint_can_be_answered_otherwise(world: World) -> None:
    async with world.worker():
        draft = await asks(world)
        for version in (1, 2):
            await world.decide(draft, "revise", feedback=f"round {version}")
            draft = await world.opened(draft.execution, version + 1)
        await world.decide(draft, "approve")
        await finished(world, draft.execution)
        outputs: dict[int | None, str | None] = {}
        for wanted in (None, 1, 2, 3):
            made = await fork(world, draft, "approve", version=wanted)
            ended = await finished(world, made.execution)
            outputs[wanted] = ended.execution.output
            await lawful(world, made.execution)
            judged = [entry.action for entry in ended.checkpoints[0].history]
            assert judged == [*["revise"] * ((wanted or 3) - 1), "approve"]
    assert outputs == {None: "draft 3", 1: "draft 1", 2: "draft 2", 3: "draft 3"}


async def test_a_revision_in_a_fork_goes_its_own_way(world: World) -> None:
    async with world.worker():
        first = await asks(world)
        await world.decide(first, "revise", feedback="theirs")
        second = await world.opened(first.execution, 2)
        made = await fork(world, second, "revise", version=1, feedback="mine")
        await world.running[0].advance(world.store.member(made.execution))
        redraft = await world.opened(made.execution, 2)
        assert [entry.feedback for entry in redraft.history] == ["mine"]
        again = await fork(world, redraft, "approve", version=1)  # a fork of a fork
        ended = await finished(world, again.execution)
        assert ended.execution.output == "draft 1"
        assert ended.execution.forked_from == Origin(execution=made.execution, checkpoint=redraft.id, offset=4)
        await world.decide(redraft, "stop")
        await world.decide(second, "stop")
        for execution in (first.execution, made.execution):
            await world.state(execution, State.STOPPED)


class Recorder:
    """Two questions, with a recorded step before, between and behind them; `made` counts what was done for real."""

    def __init__(self) -> None:
        self.made: list[str] = []

    async def __call__(self, journal: Journal) -> Outcome:
        await self.once(journal, "before")
        first = await journal.ask(question(1, "t0/after"))
        await self.once(journal, "between")
        second = await journal.ask(question(1, "t1/after"))
        await self.once(journal, "behind")
        return Outcome(output=f"{first.action} {second.action}")

    async def once(self, journal: Journal, step: str) -> None:
        if journal.recall(step) is None:
            self.made.append(step)
            await journal.record(step, step.encode(), event=LlmCompleted(call=step, stream=step, model="m"))


async def test_what_was_recorded_before_the_checkpoint_is_shared_and_nothing_else(world: World) -> None:
    recorder = world.crew.script = Recorder()
    async with world.worker():
        first = await asks(world)
        await world.decide(first, "approve")
        second = await world.opened(first.execution)
        await world.decide(second, "approve")
        await finished(world, first.execution)
        recorder.made.clear()
        late = await fork(world, second, "edit", output="x")
        assert (await finished(world, late.execution)).execution.output == "approve edit"
        assert recorder.made == ["behind"]
        early = await fork(world, first, "edit", output="x")
        await world.running[0].advance(world.store.member(early.execution))
        await world.decide(await world.opened(early.execution), "approve")
        assert (await finished(world, early.execution)).execution.output == "edit approve"
        assert recorder.made == ["behind", "between", "behind"]


async def test_a_start_remembers_the_version_of_its_crew_and_a_fork_keeps_it(world: World) -> None:
    import msgspec

    described = msgspec.structs.replace(world.crew.describe(), version="abc")
    await world.workers.publish([described])
    async with world.worker():
        checkpoint = await asks(world)
        await world.workers.publish([msgspec.structs.replace(described, version="def")])
        made = await fork(world, checkpoint, "approve")
        assert (await finished(world, made.execution)).execution.version == "abc"
        later: Started = await world.dispatch.handle(Start(crew="scripted", inputs={"topic": "t"}), RARA)
        read: Read = await world.dispatch.handle(Get(execution=later.execution), RARA)
        assert read.execution.version in ("abc", "def")
        assert checkpoint.state is CheckpointState.OPEN
        for execution in (later.execution, checkpoint.execution):
            await world.dispatch.handle(Cancel(execution=execution), RARA)
