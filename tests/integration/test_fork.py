"""Forks: what they share with their original, what they do anew, and that the original never notices."""

import asyncio
from dataclasses import replace
from typing import Any

import anyio
import pytest

from protocol.commands import Cancel, Fork, Get, Pause, Start
from protocol.errors import ErrorCode, Refused
from protocol.events import CheckpointDecided, CheckpointOpened, Data, ExecutionQueued, LlmCompleted, ToolStarted
from protocol.frames import seconds_of
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Checkpoint, CheckpointState, Origin, State
from server import keys
from server.dispatch import Read, Started
from server.execution import Change, Machine, Verdict, apply, claims
from server.runnable import Journal, Outcome, Suspended
from server.store import forks
from tests.support.scripted import DIMAS, RARA, World, kinds, question
from tests.support.waiting import wait_until

SHARED = ["execution.queued", "execution.started", "task.started", "checkpoint.opened"]


async def asks(world: World, **fields: Any) -> Checkpoint:
    """Start an execution with the one worker that runs, and wait for its checkpoint."""
    execution = await world.start(**fields)
    await world.running[0].advance(world.store.member(execution))
    return await world.opened(execution)


async def fork(world: World, checkpoint: Checkpoint, action: str, by: Any = RARA, **fields: Any) -> Started:
    command = Fork(execution=checkpoint.execution, checkpoint=checkpoint.id, action=action, **fields)
    started: Started = await world.dispatch.handle(command, by)
    return started


async def finished(world: World, execution: ExecutionId, *states: State) -> Read:
    await world.running[0].advance(world.store.member(execution))
    await world.state(execution, *(states or (State.COMPLETED,)))
    read: Read = await world.dispatch.handle(Get(execution=execution), RARA)
    return read


async def stored(world: World, execution: ExecutionId) -> list[Any]:
    """Everything that Redis has of an execution."""
    names = keys.execution(keys.OPEN_TENANT, execution)
    return [
        await world.redis.xrange(names.log),
        *[await world.redis.hgetall(name) for name in names if name != names.log],
    ]


async def lawful(world: World, execution: ExecutionId) -> None:
    """Check that the state in Redis is what the log makes of it, event by event."""
    machine = Machine()
    for event in await world.log(execution):
        assert event.execution == execution
        change = changed(machine, event.data)
        claimed = claims(machine.state, event.data.type)
        machine, verdict = apply(machine, event.data.type, fence=machine.fence + claimed, change=change)
        assert verdict is Verdict.APPLIED, (event.offset, event.data.type)
    holder = await world.store.holder(execution)
    assert holder is not None
    assert (holder.state, holder.offset, holder.fence) == (machine.state, machine.offset, machine.fence)


def changed(machine: Machine, data: Data) -> Change | None:
    """Tell what an event does to a checkpoint."""
    if isinstance(data, CheckpointOpened):
        ident, token = data.checkpoint.id, f"open:{data.checkpoint.version}"
    elif isinstance(data, CheckpointDecided):
        ident, token = data.checkpoint, f"{'revising' if data.action == 'revise' else 'decided'}:{data.version}"
    else:
        return None
    return Change(ident, machine.checkpoints.get(ident, ""), token)


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


async def two_open(world: World, execution: ExecutionId) -> None:
    async def both() -> bool:
        return len(await world.store.open_checkpoints(execution)) == 2

    await wait_until(both, description="both questions are open")


async def test_what_was_open_beside_it_is_open_in_the_fork_too(world: World) -> None:
    async def pair(journal: Journal) -> Outcome:
        asked = (journal.ask(question(1, step)) for step in ("t0/after", "t1/after"))
        return Outcome(output=" ".join(answer.action for answer in await asyncio.gather(*asked)))

    world.crew.script = pair
    inbox = world.redis.pubsub()
    async with world.worker():
        first = await asks(world)
        await two_open(world, first.execution)
        asked = [event.data for event in await world.log(first.execution)]
        both = [data.checkpoint for data in asked if isinstance(data, CheckpointOpened)]
        await world.decide(both[1], "edit", output="x")
        await inbox.subscribe(keys.inbox(keys.OPEN_TENANT))
        made = await fork(world, both[1], "approve")
        holder = await world.store.holder(made.execution)
        assert holder is not None
        assert holder.state is State.WAITING
        (open_still,) = [c for c in await world.store.inbox() if c.execution == made.execution]
        assert open_still.name == both[0].name
        told: list[Any] = []
        while (message := await inbox.get_message(timeout=0.5)) is not None:
            if message["type"] == "message":
                told.append(message["data"].partition(b"\n")[2][:40].split(b'"')[3])
        assert told == [b"execution.queued", b"checkpoint.opened"]
        await world.running[0].advance(world.store.member(made.execution))
        await world.decide(open_still, "edit", output="y")
        assert (await finished(world, made.execution)).execution.output == "edit approve"
        await world.decide(both[0], "approve")
        await finished(world, first.execution)
    await inbox.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it so


async def test_what_is_open_beside_it_gets_its_time_anew(world: World) -> None:
    async def pair(journal: Journal) -> Outcome:
        timed = replace(question(1, "t1/after"), seconds=60.0, on_deadline="stop")
        asked = (journal.ask(timed), journal.ask(question()))
        return Outcome(output=" ".join(answer.action for answer in await asyncio.gather(*asked)))

    world.crew.script = pair
    async with world.worker():
        first = await asks(world)
        await two_open(world, first.execution)
        asked = [event.data for event in await world.log(first.execution)]
        timed, plain = (data.checkpoint for data in asked if isinstance(data, CheckpointOpened))
        now = world.store.clock
        world.store.clock = lambda: now() + 3600
        made = await fork(world, plain, "approve")
        (beside,) = await world.store.open_checkpoints(made.execution)
        assert timed.deadline is not None
        assert beside.deadline is not None
        assert 50 < seconds_of(beside.deadline) - world.store.clock() <= 60
        assert await world.store.overdue() == [(world.store.member(first.execution), timed.id)]
        await lawful(world, made.execution)
        await world.running[0].advance(world.store.member(made.execution))
        await world.decide(beside, "approve")
        await finished(world, made.execution)
        await world.dispatch.handle(Cancel(execution=first.execution), RARA)


async def test_a_fork_of_what_was_asked_while_it_was_paused_goes_on(world: World) -> None:
    working, go = asyncio.Event(), asyncio.Event()

    async def late(journal: Journal) -> Outcome:
        if journal.recall("asked") is None:
            working.set()
            await go.wait()
            await journal.record("asked", b"")
        return Outcome(output=(await journal.ask(question())).action)

    world.crew.script = late
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        await working.wait()
        await world.dispatch.handle(Pause(execution=execution), RARA)
        go.set()
        checkpoint = await world.opened(execution)
        made = await fork(world, checkpoint, "approve")
        assert (await finished(world, made.execution)).execution.output == "approve"
        await lawful(world, made.execution)
        assert kinds(await world.log(made.execution))[-5:-2] == [
            "execution.parked", "checkpoint.decided", "execution.resumed"
        ]  # fmt: skip


async def test_the_same_key_forks_once_also_all_at_once(world: World) -> None:
    async with world.worker():
        checkpoint = await asks(world)
        made: list[Started] = []

        async def one() -> None:
            made.append(await fork(world, checkpoint, "approve", key="k"))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(one)
        assert len({each.execution for each in made}) == 1
        assert {(each.epoch, each.offset) for each in made} == {(made[0].epoch, 6)}
        assert sum(not each.duplicate for each in made) == 1
        await finished(world, made[0].execution)
        assert (await fork(world, checkpoint, "approve", key="k")).duplicate
        other = await fork(world, checkpoint, "approve", DIMAS, key="k")
        assert other.execution != made[0].execution
        await finished(world, other.execution)
        await world.decide(checkpoint, "stop")
        await world.state(checkpoint.execution, State.STOPPED)


async def test_a_fork_of_which_only_the_key_was_remembered_is_made_by_the_next_try(world: World) -> None:
    async with world.worker():
        checkpoint = await asks(world)
        dead = ExecutionId("x_dead")
        assert await world.store.remember_fork(RARA.id, checkpoint.execution, "k", dead) == dead
        await world.store.list_new(
            dead, ExecutionQueued(crew="scripted", title="", inputs={}, checkpoints=[], tasks=[])
        )
        made = await fork(world, checkpoint, "approve", key="k")
        assert (made.execution, made.duplicate) == (dead, False)
        await finished(world, dead)
        await world.decide(checkpoint, "stop")
        await world.state(checkpoint.execution, State.STOPPED)


async def test_a_server_that_dies_right_after_it_made_a_fork_leaves_it_to_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(execution: ExecutionId) -> None:
        raise SystemError(execution)

    async with world.worker() as worker:
        checkpoint = await asks(world)
        with monkeypatch.context() as patch:
            patch.setattr(world.store, "repair", die)
            with pytest.raises(SystemError) as died:
                await fork(world, checkpoint, "edit", output="mine")
        (made,) = died.value.args
        assert world.store.member(made) in await world.store.due()
        assert await worker.look(world.store.member(made))
        assert (await finished(world, made)).execution.output == "mine"
        await world.decide(checkpoint, "approve")
        await finished(world, checkpoint.execution)


REFUSED: list[tuple[dict[str, Any], ErrorCode]] = [
    ({"execution": ExecutionId("x_none")}, ErrorCode.NOT_FOUND),
    ({"checkpoint": CheckpointId("cp_none")}, ErrorCode.NOT_FOUND),
    ({"version": 2}, ErrorCode.STALE_VERSION),
    ({"version": 0}, ErrorCode.STALE_VERSION),
    ({"action": "skip"}, ErrorCode.NOT_OFFERED),
    ({"action": "revise"}, ErrorCode.NEEDS_FEEDBACK),
    ({"action": "edit"}, ErrorCode.INVALID_OUTPUT),
    ({"digest": "sha256:0"}, ErrorCode.STALE_DIGEST),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED)
async def test_a_fork_is_judged_as_a_decision_is_and_leaves_nothing_behind(
    world: World, fields: dict[str, Any], code: ErrorCode
) -> None:
    async with world.worker():
        first = await asks(world)
        await world.decide(first, "approve")
        await finished(world, first.execution)
    before = {key async for key in world.redis.scan_iter()}
    command = Fork(**{"execution": first.execution, "checkpoint": first.id, "action": "approve", **fields})
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(command, RARA)
    assert refused.value.code is code
    assert {key async for key in world.redis.scan_iter()} == before


async def test_a_log_that_is_too_long_is_not_forked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.worker():
        checkpoint = await asks(world)
        monkeypatch.setattr(forks, "MOST_EVENTS", 3)
        monkeypatch.setattr(forks, "CHUNK", 3)
        with pytest.raises(Refused) as refused:
            await fork(world, checkpoint, "approve")
        assert refused.value.code is ErrorCode.OVER_QUOTA
        await world.decide(checkpoint, "approve")
        await finished(world, checkpoint.execution)


async def test_a_server_that_lost_its_scripts_forks_all_the_same(world: World) -> None:
    async with world.worker():
        checkpoint = await asks(world)
        await world.redis.script_flush()
        made = await fork(world, checkpoint, "edit", output="mine")
        assert (await finished(world, made.execution)).execution.output == "mine"
        await world.decide(checkpoint, "approve")
        await finished(world, checkpoint.execution)


async def test_a_tool_that_asks_inside_is_left_in_good_order(world: World) -> None:
    """What a worker writes when it unwinds a tool that asks is missing at the moment of the question."""
    seen: list[bytes | None] = []

    async def tool(journal: Journal) -> Outcome:
        seen.append(journal.recall("t0/tool.ab.0/left"))
        if journal.recall("t0/tool.ab.0/started") is None:
            started = ToolStarted(call="t0/tool.ab.0", tool="ab", arguments={})
            await journal.record("t0/tool.ab.0/started", b"1", event=started)
        answer = await journal.ask(question(1, "t0/tool.ab.0/ask.0"))
        if answer.action == "stop":
            raise Suspended
        return Outcome(output=answer.action)

    world.crew.script = tool
    async with world.worker():
        checkpoint = await asks(world)
        made = await fork(world, checkpoint, "approve")
        await finished(world, made.execution)
        assert seen == [None, b"1"]
        await world.decide(checkpoint, "approve")
        await finished(world, checkpoint.execution)


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
