"""What `pause`, `resume`, `cancel` and `fork` answer in every state of an execution, as a table."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from protocol.commands import Cancel, Fork, Pause, Resume
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, State
from server.dispatch import Changed, Started
from server.runnable import Journal, Outcome, Stopped
from tests.support.scripted import RARA, World, question

S, E = State, ErrorCode
#: How an execution comes to each state; the crew asks, and what is answered decides what it does then.
COMES: dict[State, list[str]] = {
    S.QUEUED: ["park", "approve"],
    S.RUNNING: ["work"],
    S.WAITING: [],
    S.PAUSED: ["pause"],
    S.COMPLETED: ["approve"],
    S.FAILED: ["fail"],
    S.STOPPED: ["stop"],
    S.CANCELLED: ["cancel"],
}
#: What each command makes of an execution in that state, or how it is refused.
ANSWERS: dict[State, dict[str, State | ErrorCode]] = {
    S.QUEUED: {"pause": S.PAUSED, "resume": E.CONFLICT, "cancel": S.CANCELLED, "fork": S.QUEUED},
    S.RUNNING: {"pause": S.PAUSED, "resume": E.CONFLICT, "cancel": S.CANCELLED, "fork": S.QUEUED},
    S.WAITING: {"pause": S.PAUSED, "resume": E.CONFLICT, "cancel": S.CANCELLED, "fork": S.QUEUED},
    S.PAUSED: {"pause": E.CONFLICT, "resume": S.WAITING, "cancel": S.CANCELLED, "fork": S.QUEUED},
    S.COMPLETED: {"pause": E.ENDED, "resume": E.ENDED, "cancel": E.ENDED, "fork": S.QUEUED},
    S.FAILED: {"pause": E.ENDED, "resume": E.ENDED, "cancel": E.ENDED, "fork": S.QUEUED},
    S.STOPPED: {"pause": E.ENDED, "resume": E.ENDED, "cancel": E.ENDED, "fork": S.QUEUED},
    S.CANCELLED: {"pause": E.ENDED, "resume": E.ENDED, "cancel": E.ENDED, "fork": S.QUEUED},
}


async def script(journal: Journal) -> Outcome:
    answer = await journal.ask(question())
    if answer.action == "stop":
        raise Stopped(answer.checkpoint, "plan")
    if answer.output == "fail":
        raise ValueError("The almanac has no such day.")
    if answer.output == "work":
        await anyio.sleep_forever()
    return Outcome(output=answer.output or answer.action)


async def brought(world: World, state: State) -> Checkpoint:
    """Bring an execution into a state, and give its checkpoint."""
    worker = world.running[0]
    execution = await world.start()
    await worker.advance(world.store.member(execution))
    checkpoint = await world.opened(execution)
    for step in COMES[state]:
        if step == "park":
            await worker.attempts[execution].give_back(5)
        elif step in ("pause", "cancel"):
            await world.dispatch.handle((Pause if step == "pause" else Cancel)(execution=execution), RARA)
            worker.notice_all()
        elif step in ("fail", "work"):
            await world.decide(checkpoint, "edit", output=step)
        else:
            await world.decide(checkpoint, step)
    await world.state(execution, state)
    return checkpoint


async def steered(world: World, command: Pause | Resume | Cancel) -> State:
    changed: Changed = await world.dispatch.handle(command, RARA)
    return changed.state


async def forked(world: World, checkpoint: Checkpoint) -> State:
    command = Fork(execution=checkpoint.execution, checkpoint=checkpoint.id, action="edit", output="mine")
    started: Started = await world.dispatch.handle(command, RARA)
    return await state_of(world, started.execution)


async def state_of(world: World, execution: ExecutionId) -> State:
    holder = await world.store.holder(execution)
    assert holder is not None
    return holder.state


COMMANDS: dict[str, Callable[[World, Checkpoint], Awaitable[State]]] = {
    "pause": lambda world, at: steered(world, Pause(execution=at.execution)),
    "resume": lambda world, at: steered(world, Resume(execution=at.execution)),
    "cancel": lambda world, at: steered(world, Cancel(execution=at.execution)),
    "fork": forked,
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", State)
async def test_every_command_in_every_state(world: World, state: State, name: str) -> None:
    world.crew.script = script
    async with world.worker() as worker:
        checkpoint = await brought(world, state)
        expected = ANSWERS[state][name]
        if isinstance(expected, ErrorCode):
            with pytest.raises(Refused) as refused:
                await COMMANDS[name](world, checkpoint)
            assert refused.value.code is expected
            assert refused.value.detail == {"state": state}
        else:
            assert await COMMANDS[name](world, checkpoint) is expected
        after = expected if isinstance(expected, State) and name != "fork" else state
        assert await state_of(world, checkpoint.execution) is after
        for attempt in list(worker.attempts.values()):
            attempt.leave()


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_on_what_is_not_there(world: World, name: str) -> None:
    world.crew.script = script
    async with world.worker() as worker:
        checkpoint = await brought(world, State.WAITING)
        for key in await world.redis.keys(f"qd:{{open:{checkpoint.execution}}}:*"):
            await world.redis.delete(key)
        with pytest.raises(Refused) as refused:
            await COMMANDS[name](world, checkpoint)
        assert refused.value.code is ErrorCode.NOT_FOUND
        for attempt in list(worker.attempts.values()):
            attempt.leave()
