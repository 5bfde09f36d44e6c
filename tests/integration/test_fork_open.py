"""Forks of executions that ask several things at once, inside of a tool, or while they are paused."""

import asyncio
from dataclasses import replace
from typing import Any

from protocol.commands import Cancel, Pause
from protocol.events import CheckpointOpened, ToolStarted
from protocol.frames import seconds_of
from protocol.objects import State
from server import keys
from server.runnable import Journal, Outcome, Suspended
from tests.support.forking import asks, finished, fork, lawful, two_open
from tests.support.scripted import RARA, World, kinds, question


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
