"""Commands: what they make, who wins, and how each refusal is told."""

from typing import Any

import anyio
import pytest

from protocol.commands import Auth, Cancel, Decide, Filter, Get, List, Start
from protocol.errors import ErrorCode, Refused
from protocol.ids import CheckpointId, ConversationId, ExecutionId
from protocol.objects import Checkpoint, Execution, State
from server import keys
from server.auth import Principal
from server.dispatch import Changed
from server.dispatch.lists import Listing
from server.store import lists
from tests.support.scripted import DIMAS, RARA, World, kinds


def start(**fields: Any) -> Start:
    return Start(**{"crew": "scripted", "inputs": {"topic": "tea"}, **fields})


STARTS: list[tuple[dict[str, Any], ErrorCode, dict[str, Any]]] = [
    ({"crew": "nobody"}, ErrorCode.UNKNOWN_CREW, {}),
    ({"crew": "broken"}, ErrorCode.CREW_BROKEN, {"reason": "No module named 'nowhere'"}),
    ({"crew": "unknown_yet"}, ErrorCode.UNAVAILABLE, {}),
    ({"inputs": {}}, ErrorCode.MISSING_INPUTS, {"inputs": ["topic"]}),
    ({"inputs": {"topic": ""}}, ErrorCode.MISSING_INPUTS, {"inputs": ["topic"]}),
    ({"checkpoints": ["after_lunch"]}, ErrorCode.UNKNOWN_CHECKPOINT, {}),
    ({"checkpoints": ["after:nothing"]}, ErrorCode.UNKNOWN_CHECKPOINT, {}),
]


@pytest.mark.parametrize(("fields", "code", "detail"), STARTS)
async def test_starts_that_are_refused(
    world: World, fields: dict[str, Any], code: ErrorCode, detail: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(start(**fields), RARA)
    assert refused.value.code is code
    assert detail.items() <= refused.value.detail.items()


async def test_a_start_is_queued_and_handed_to_a_worker(world: World) -> None:
    started = await world.dispatch.handle(start(checkpoints=["after_planning", "before:plan"]), RARA)
    read = await world.dispatch.handle(Get(execution=started.execution), RARA)
    assert (started.offset, read.execution.state, read.execution.title) == (1, State.QUEUED, "tea")
    assert read.execution.checkpoints == ["after_planning", "before:plan"]
    assert read.execution.owner == RARA.actor
    assert world.asked.asked == [(f"open/{started.execution}", 1)]


async def test_the_same_key_starts_once_also_all_at_once(world: World) -> None:
    made: list[Any] = []

    async def one() -> None:
        made.append(await world.dispatch.handle(start(key="k"), RARA))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
    assert len({each.execution for each in made}) == 1
    assert {each.epoch for each in made} == {made[0].epoch}
    assert sum(not each.duplicate for each in made) == 1
    other = await world.dispatch.handle(start(key="k"), DIMAS)
    assert other.execution != made[0].execution


async def test_one_of_two_deciders_wins_every_time_and_the_other_is_told_who(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        for version in range(1, 31):
            checkpoint = await world.opened(execution, version)
            outcomes: dict[str, Changed | Refused] = {}

            async def judge(
                who: Principal, checkpoint: Checkpoint = checkpoint, outcomes: dict[str, Changed | Refused] = outcomes
            ) -> None:
                try:
                    outcomes[who.name] = await world.decide(
                        checkpoint, "revise", by=who, feedback=who.name, version=checkpoint.version
                    )
                except Refused as refused:
                    outcomes[who.name] = refused

            async with anyio.create_task_group() as group:
                group.start_soon(judge, RARA)
                group.start_soon(judge, DIMAS)
            winners = [name for name, outcome in outcomes.items() if isinstance(outcome, Changed)]
            losers = [outcome for outcome in outcomes.values() if isinstance(outcome, Refused)]
            assert len(winners) == len(losers) == 1
            told = losers[0]
            if told.code is ErrorCode.ALREADY_DECIDED:
                assert told.detail["by"].name == winners[0]
                assert told.detail["version"] == version
            else:
                assert told.code is ErrorCode.STALE_VERSION  # the next draft was there already
        await worker.attempts[execution].give_back(0)
    decided = [event for event in await world.log(execution) if event.data.type == "checkpoint.decided"]
    assert len(decided) == 30


async def test_the_same_decision_again_gets_the_first_reply(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
        first = await world.decide(checkpoint, "approve", key="k")
        await world.state(execution, State.COMPLETED)
        again = await world.decide(checkpoint, "approve", key="k")
        assert (again.offset, again.duplicate) == (first.offset, True)
        with pytest.raises(Refused) as refused:
            await world.decide(checkpoint, "approve", by=DIMAS, key="k")
        assert refused.value.code is ErrorCode.ALREADY_DECIDED


async def test_what_is_not_there_is_not_found(world: World) -> None:
    execution = await world.start()
    nowhere, nothing = ExecutionId("x_0"), CheckpointId("cp_0")
    for command in (
        Get(execution=nowhere),
        Cancel(execution=nowhere),
        Decide(execution=nowhere, checkpoint=nothing, action="approve"),
        Decide(execution=execution, checkpoint=nothing, action="approve"),
    ):
        with pytest.raises(Refused) as refused:
            await world.dispatch.handle(command, RARA)
        assert refused.value.code is ErrorCode.NOT_FOUND


async def test_after_the_end_it_is_too_late(world: World) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        checkpoint = await world.opened(execution)
        cancelled = await world.dispatch.handle(Cancel(execution=execution), RARA)
        assert cancelled.state is State.CANCELLED
        for command in (
            Cancel(execution=execution),
            Decide(execution=execution, checkpoint=checkpoint.id, action="approve"),
        ):
            with pytest.raises(Refused) as refused:
                await world.dispatch.handle(command, RARA)
            assert refused.value.code is ErrorCode.ENDED
            assert refused.value.detail == {"state": "cancelled"}
        worker.notice_all()
    assert kinds(await world.log(execution))[-1] == "execution.cancelled"


async def test_lists_go_page_by_page_newest_first(world: World) -> None:
    made = [await world.start(title=str(n)) for n in range(7)]
    await world.dispatch.handle(Cancel(execution=made[3]), RARA)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page: Listing = await world.dispatch.handle(List(what="executions", limit=3, cursor=cursor), RARA)
        seen += [item.id for item in page.items if hasattr(item, "id")]
        cursor = page.next
        if cursor is None:
            break
    assert seen == made[::-1]
    narrowed: Listing = await world.dispatch.handle(
        List(what="executions", filter=Filter(state="cancelled", crew="scripted")), RARA
    )
    assert [item.id for item in narrowed.items if hasattr(item, "id")] == [made[3]]


async def test_lists_of_crews_and_checkpoints(world: World) -> None:
    async with world.worker() as worker:
        executions = [await world.start() for _ in range(3)]
        for execution in executions:
            await worker.advance(world.store.member(execution))
            await world.opened(execution)
        first: Listing = await world.dispatch.handle(List(what="checkpoints", limit=2), RARA)
        rest: Listing = await world.dispatch.handle(List(what="checkpoints", limit=2, cursor=first.next), RARA)
        listed = [item.execution for page in (first, rest) for item in page.items if isinstance(item, Checkpoint)]
        assert listed == executions
        assert rest.next is None
        await worker.drain()
    crews: Listing = await world.dispatch.handle(List(what="crews"), RARA)
    assert [getattr(item, "name", None) for item in crews.items] == ["scripted", "broken"]


async def test_a_conversation_is_found_behind_all_that_is_newer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much was started since: a thread of a front end would else begin anew instead of going on."""
    monkeypatch.setattr(lists, "SCAN_LIMIT", 3)
    talk = ConversationId("cv_tea")
    mine = [await world.start(conversation=talk) for _ in range(2)]
    for _ in range(5):
        await world.start()
    command = List(what="executions", filter=Filter(conversation=talk))
    page: Listing = await world.dispatch.handle(command, RARA)
    assert [item.id for item in page.items if isinstance(item, Execution)] == mine[::-1]
    assert 0 < await world.redis.ttl("qd:{open}:conversation:cv_tea") < 432 * 86_400
    await world.redis.delete(*keys.execution("open", mine[1]))
    page = await world.dispatch.handle(command, RARA)
    assert [item.id for item in page.items if isinstance(item, Execution)] == mine[:1]
    assert await world.redis.zcard("qd:{open}:conversation:cv_tea") == 1, "what is gone is dropped"


@pytest.mark.parametrize("what", ["executions", "checkpoints", "crews", "conversations"])
@pytest.mark.parametrize("cursor", ["three", "nan~x_1", "inf", "-1e999~"])
async def test_a_cursor_that_was_never_given_is_refused(world: World, what: Any, cursor: str) -> None:
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(List(what=what, cursor=cursor), RARA)
    assert refused.value.code is ErrorCode.BAD_FIELD


async def test_there_is_nothing_to_say_to_somebody_who_asks_nobody(world: World) -> None:
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(Auth(token="t"), RARA)
    assert refused.value.code is ErrorCode.BAD_FRAME
