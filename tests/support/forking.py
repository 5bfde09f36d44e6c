"""Forks as tests make them, and what holds for each."""

from typing import Any

from protocol.commands import Fork, Get
from protocol.events import CheckpointDecided, CheckpointOpened, Data
from protocol.ids import ExecutionId
from protocol.objects import Checkpoint, State
from server.dispatch import Read, Started
from server.execution import Change, Machine, Verdict, apply, claims
from tests.support.scripted import RARA, World
from tests.support.waiting import wait_until


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


async def two_open(world: World, execution: ExecutionId) -> None:
    async def both() -> bool:
        return len(await world.store.open_checkpoints(execution)) == 2

    await wait_until(both, description="both questions are open")


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
