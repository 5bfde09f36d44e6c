"""Tenants are walls, and roles are kept: what a principal sees and may do, on one Redis that several share."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from protocol.commands import (
    AnyCommand,
    Cancel,
    Comment,
    Decide,
    Deliveries,
    Extend,
    Fork,
    Get,
    List,
    Pause,
    Resend,
    Resume,
    Start,
    Watch,
)  # fmt: skip
from protocol.errors import ErrorCode, Refused
from protocol.ids import CheckpointId, ExecutionId, Position
from protocol.objects import Checkpoint, State
from server import keys
from server.app.sweep import Sweep
from server.auth import Principal, Role
from server.dispatch import Place
from server.files import Files
from server.hub import Hub
from server.pubsub import PubSub
from tests.support.edge import QUICK, Memory
from tests.support.scripted import World
from tests.support.waiting import wait_until

VIEWER, OPERATOR, APPROVER = Role.VIEWER, Role.OPERATOR, Role.APPROVER


def somebody(name: str, tenant: str, *roles: Role) -> Principal:
    return Principal(name, name.title(), tenant, frozenset(roles))


RARA = somebody("rara", "kopi", OPERATOR)
#: The same subject elsewhere, and with every right that there is.
OTHER = somebody("rara", "teh", Role.ADMIN)
START = Start(crew="scripted", inputs={"topic": "tea"}, key="once")


def about(execution: ExecutionId, checkpoint: str) -> list[AnyCommand]:
    """Every command that is about one execution."""
    ident = CheckpointId(checkpoint)
    return [
        Get(execution=execution), Cancel(execution=execution), Pause(execution=execution), Resume(execution=execution),
        Decide(execution=execution, checkpoint=ident, action="approve"),
        Comment(execution=execution, checkpoint=ident, text="?"),
        Extend(execution=execution, checkpoint=ident, seconds=60),
        Fork(execution=execution, checkpoint=ident, action="approve"),
        Deliveries(execution=execution), Resend(execution=execution, delivery="1-none"),
    ]  # fmt: skip


async def started(world: World, by: Principal = RARA, **fields: Any) -> ExecutionId:
    command = Start(crew="scripted", inputs={"topic": "tea"}, **fields)
    made = await world.dispatch.handle(command, by)
    return ExecutionId(made.execution)


async def refusal(world: World, command: AnyCommand, by: Principal) -> Refused:
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(command, by)
    return refused.value


async def code_of(world: World, command: AnyCommand, by: Principal) -> ErrorCode | None:
    """Tell by which code a command is refused, if it is."""
    try:
        await world.dispatch.handle(command, by)
    except Refused as refused:
        return refused.code
    return None


async def asked(world: World, execution: ExecutionId, tenant: str) -> Checkpoint:
    """Wait until an execution asks."""
    store = world.store.of(tenant)
    await wait_until(lambda: _asks(store, execution), description="it asks")
    (checkpoint,) = await store.open_checkpoints(execution)
    return checkpoint


async def _asks(store: Any, execution: ExecutionId) -> bool:
    return bool(await store.open_checkpoints(execution))


async def reached(world: World, execution: ExecutionId, tenant: str, state: State) -> None:
    async def look() -> bool:
        holder = await world.store.of(tenant).holder(execution)
        return holder is not None and holder.state is state

    await wait_until(look, description=f"{execution} is {state}")


async def test_what_is_anothers_does_not_exist(world: World) -> None:
    """Word for word what is said of an execution that nobody has."""
    execution = await started(world)
    nobodys = ExecutionId("x_none")
    for mine, none in zip(about(execution, "cp_1"), about(nobodys, "cp_1"), strict=True):
        theirs, absent = await refusal(world, mine, OTHER), await refusal(world, none, OTHER)
        assert theirs.code is absent.code is ErrorCode.NOT_FOUND
        assert theirs.message == absent.message.replace(nobodys, execution)
    with pytest.raises(Refused) as refused:
        await world.dispatch.events(execution, Place(), 10, OTHER)
    assert refused.value.code is ErrorCode.NOT_FOUND
    with pytest.raises(Refused):
        await world.dispatch.watchable(execution, OTHER)
    assert (await world.dispatch.handle(Get(execution=execution), RARA)).execution.id == execution
    await world.dispatch.handle(Cancel(execution=execution), RARA)


async def test_lists_show_ones_own_tenant_only(world: World) -> None:
    async with world.worker() as worker:
        execution = await started(world, conversation="cv_1")
        await worker.advance(world.store.of("kopi").member(execution))
        await asked(world, execution, "kopi")
        for what in ("executions", "checkpoints"):
            command = List(what=what)
            assert len((await world.dispatch.handle(command, RARA)).items) == 1
            assert not (await world.dispatch.handle(command, OTHER)).items
        assert await world.store.of("kopi").count_active() == 1
        assert await world.store.of("teh").count_active() == 0
        assert sum((await world.store.count()).values()) == 1
        await world.dispatch.handle(Cancel(execution=execution), RARA)
        await wait_until(lambda: not worker.attempts, description="it is left")


async def test_a_key_means_nothing_to_another_tenant_or_subject(world: World) -> None:
    first = await world.dispatch.handle(START, RARA)
    again = await world.dispatch.handle(START, RARA)
    assert (again.execution, again.duplicate) == (first.execution, True)
    theirs = await world.dispatch.handle(START, OTHER)
    assert (theirs.execution != first.execution, theirs.duplicate) == (True, False)
    for ident, key in (("a", "b:c"), ("a:b", "c")):
        made = await world.dispatch.handle(
            Start(crew="scripted", inputs={"topic": "t"}, key=key), somebody(ident, "kopi", OPERATOR)
        )
        assert not made.duplicate
        await world.dispatch.handle(Cancel(execution=made.execution), somebody(ident, "kopi", OPERATOR))
    await world.dispatch.handle(Cancel(execution=first.execution), RARA)
    await world.dispatch.handle(Cancel(execution=theirs.execution), OTHER)


async def test_one_worker_runs_the_executions_of_all_tenants(world: World) -> None:
    async with world.worker() as worker:
        mine, theirs = await started(world), await started(world, OTHER)
        for member, _ in list(world.asked.asked):
            await worker.advance(member)
        for execution, tenant, by in ((mine, "kopi", RARA), (theirs, "teh", OTHER)):
            checkpoint = await asked(world, execution, tenant)
            command = Decide(execution=execution, checkpoint=checkpoint.id, action="approve")
            await world.dispatch.handle(command, by)
            worker.notice(keys.channel(tenant, execution).encode())
            await reached(world, execution, tenant, State.COMPLETED)
    assert await world.store.holder(mine) is None, "it belongs to no other tenant"


async def test_all_tenants_are_looked_after(world: World) -> None:
    """The worker that dies leaves executions of several tenants; the next one takes all of them."""
    mine, theirs = await started(world), await started(world, OTHER)
    stores = [world.store.of("kopi"), world.store.of("teh")]
    assert set(await world.store.due()) == {stores[0].member(mine), stores[1].member(theirs)}
    async with world.worker() as worker:
        for member in await world.store.due():
            assert await worker.look(member)
            await worker.advance(member)
        for execution, tenant in ((mine, "kopi"), (theirs, "teh")):
            await asked(world, execution, tenant)
    await world.dispatch.handle(Cancel(execution=mine), RARA)
    await world.dispatch.handle(Cancel(execution=theirs), OTHER)
    assert [store.tenant for store in await world.store.everywhere()] == ["kopi", "open", "teh"]


async def test_files_stay_for_as_long_as_any_tenant_has_the_execution(world: World, tmp_path: Path) -> None:
    execution, files = await started(world), Files(tmp_path)
    for name in (execution, "x_gone"):
        await anyio.to_thread.run_sync(files.write, name, "a.md", "text")
    assert await Sweep(files, world.store, timedelta(0)).sweep() == 1
    assert files.find(execution, "a.md")
    await world.dispatch.handle(Cancel(execution=execution), RARA)


async def test_events_and_inboxes_do_not_cross(world: World) -> None:
    """Even with the other's id in hand, a watch finds nothing; and no inbox tells of another tenant."""
    pubsub = PubSub(world.redis, times=QUICK)
    hub = Hub(pubsub, world.store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pubsub.run)
        tasks.start_soon(hub.run)
        assert await pubsub.prove(10)
        mine, theirs = Memory(), Memory()
        for tenant, outlet in (("kopi", mine), ("teh", theirs)):
            (await hub.watch_inbox(tenant, outlet)).begin()
        execution = await started(world)
        await wait_until(lambda: "execution.queued" in mine.kinds(), description="the own inbox hears of it")
        assert theirs.wires == []
        with pytest.raises(Refused) as refused:
            await hub.watch("teh", execution, theirs, Position("e", 0))
        assert refused.value.code is ErrorCode.NOT_FOUND
        watch, found = await hub.watch("kopi", execution, mine, "start")
        watch.begin(found)
        await wait_until(lambda: "synced" in mine.kinds(), description="the own watch is live")
        await world.dispatch.handle(Cancel(execution=execution), RARA)
        await wait_until(lambda: mine.kinds().count("execution.cancelled") == 2, description="both hear the end")
        assert theirs.wires == []
        tasks.cancel_scope.cancel()


OWN: list[tuple[Callable[[ExecutionId], AnyCommand], Role]] = [
    (lambda x: Pause(execution=x), Role.ADMIN),
    (lambda x: Comment(execution=x, checkpoint=CheckpointId("cp_1"), text="?"), Role.APPROVER),
]


@pytest.mark.parametrize(("command", "role"), OWN)
async def test_owners_may_do_what_others_of_their_roles_may_not(
    world: World, command: Callable[[ExecutionId], AnyCommand], role: Role
) -> None:
    execution = await started(world)
    for stranger in (somebody("sari", "kopi", OPERATOR), somebody("sari", "kopi", VIEWER)):
        refused = await refusal(world, command(execution), stranger)
        assert refused.code is ErrorCode.FORBIDDEN
        assert f"`{role}`" in refused.message
        assert role in refused.detail["roles"]
        absent = await refusal(world, command(ExecutionId("x_none")), stranger)
        assert absent.code is ErrorCode.NOT_FOUND
    for owner in (RARA, somebody("rara", "kopi", VIEWER)):
        assert await code_of(world, command(execution), owner) is not ErrorCode.FORBIDDEN
    await world.dispatch.handle(Cancel(execution=execution), RARA)


async def test_who_has_no_role_is_told_that_nothing_is_there(world: World) -> None:
    """Even of an execution that was theirs."""
    execution, fallen = await started(world), somebody("rara", "kopi")
    for command in about(execution, "cp_1"):
        refused = await refusal(world, command, fallen)
        assert (refused.code, refused.message) == (ErrorCode.NOT_FOUND, f"There is no execution {execution}.")
    for command in (List(what="executions"), List(what="crews"), START):
        assert (await refusal(world, command, fallen)).code is ErrorCode.FORBIDDEN
    for watch in (Watch(execution=execution), Watch(inbox=True)):
        with pytest.raises(Refused):
            await world.dispatch.permit(watch, fallen)
    await world.dispatch.handle(Cancel(execution=execution), RARA)


async def test_a_viewer_reads_and_an_approver_answers_but_neither_starts(world: World) -> None:
    async with world.worker() as worker:
        execution = await started(world)
        await worker.advance(world.store.of("kopi").member(execution))
        checkpoint = await asked(world, execution, "kopi")
        viewer, approver = somebody("vera", "kopi", VIEWER), somebody("adi", "kopi", APPROVER)
        assert (await world.dispatch.handle(Get(execution=execution), viewer)).checkpoints
        answer = Decide(execution=execution, checkpoint=checkpoint.id, action="approve")
        assert (await refusal(world, answer, viewer)).code is ErrorCode.FORBIDDEN
        for one in (viewer, approver):
            assert (await refusal(world, START, one)).code is ErrorCode.FORBIDDEN
        await world.dispatch.handle(answer, approver)
        worker.notice_all()
        await reached(world, execution, "kopi", State.COMPLETED)
