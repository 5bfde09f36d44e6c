"""Making a fork: once for a key, all of it or nothing, and judged as a decision is."""

from typing import Any

import anyio
import pytest

from protocol.commands import Fork
from protocol.errors import ErrorCode, Refused
from protocol.events import ExecutionQueued
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import State
from server.dispatch import Started
from server.store import forks
from tests.support.forking import asks, finished, fork
from tests.support.scripted import DIMAS, RARA, World


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
