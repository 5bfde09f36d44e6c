"""The list of what was decided lately."""

from typing import Any

import pytest

from protocol.commands import Filter, List
from protocol.errors import ErrorCode, Refused
from protocol.objects import Checkpoint
from server import keys
from server.dispatch import Listing
from server.store import decided
from tests.support.scripted import RARA, World


async def listed(world: World, **fields: Any) -> Listing:
    page: Listing = await world.dispatch.handle(
        List(what="checkpoints", filter=Filter(state="decided"), **fields), RARA
    )
    return page


async def decide(world: World, count: int) -> list[Checkpoint]:
    """Have so many crews ask, and answer each."""
    found = []
    async with world.worker(slots=count) as worker:
        for _ in range(count):
            execution = await world.start()
            await worker.advance(world.store.member(execution))
            found.append(await world.opened(execution))
            await world.decide(found[-1], "approve")
    return found


async def test_the_last_decided_comes_first_page_by_page(world: World) -> None:
    made = [checkpoint.id for checkpoint in await decide(world, 3)]
    first = await listed(world, limit=2)
    assert [checkpoint.id for checkpoint in first.items] == [made[2], made[1]]  # type: ignore[union-attr] # checkpoints
    rest = await listed(world, limit=2, cursor=first.next)
    (last,) = rest.items
    assert isinstance(last, Checkpoint)
    assert (last.id, last.state, rest.next) == (made[0], "decided", None)
    assert last.history[-1].by == RARA.actor
    assert not (await world.dispatch.handle(List(what="checkpoints"), RARA)).items


async def test_it_has_an_end_and_forgets_what_is_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decided, "MOST", 2)
    one, other, last = await decide(world, 3)
    assert len((await listed(world)).items) == 2
    await world.redis.delete(keys.execution(keys.OPEN_TENANT, last.execution).checkpoints)
    (left,) = (await listed(world)).items
    assert isinstance(left, Checkpoint)
    assert left.id == other.id != one.id
    assert await world.redis.zcard(keys.decided(keys.OPEN_TENANT)) == 1


async def test_a_repair_lists_nothing_anew(world: World) -> None:
    first, second = await decide(world, 2)
    (record,) = await world.store.records(first.execution)
    await world.store.list_checkpoint(record.checkpoint)
    found = [checkpoint.id for checkpoint in (await listed(world)).items]  # type: ignore[union-attr] # checkpoints
    assert found == [second.id, first.id]


async def test_other_states_are_refused(world: World) -> None:
    with pytest.raises(Refused) as refused:
        await world.dispatch.handle(List(what="checkpoints", filter=Filter(state="revising")), RARA)
    assert refused.value.code is ErrorCode.BAD_FIELD
