"""The list of conversations: what follows each other in one thread of talk."""

from typing import Any

import pytest
from redis.asyncio import Redis

from protocol.commands import List
from protocol.ids import ConversationId, ExecutionId
from protocol.objects import Conversation
from server import keys
from server.dispatch import Listing
from server.store import conversations
from tests.support.scripted import RARA, World

DAY = 86_400
TEA, CAKE = ConversationId("cv_tea"), ConversationId("a thread of another's: cake")


class Clock:
    """A clock that each start moves on."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 60
        return self.now


@pytest.fixture(autouse=True)
def clock(world: World) -> Clock:
    world.store.clock = clock = Clock()
    return clock


async def listed(world: World, **fields: Any) -> tuple[list[Conversation], str | None]:
    page: Listing = await world.dispatch.handle(List(what="conversations", **fields), RARA)
    return [item for item in page.items if isinstance(item, Conversation)], page.next


async def gone(redis: Redis, execution: ExecutionId) -> None:
    await redis.delete(*keys.execution("open", execution))


async def test_each_is_told_with_its_first_title_and_the_one_last_spoken_in_comes_first(world: World) -> None:
    first = await world.start(conversation=TEA, title="Tea, please")
    cake = await world.start(conversation=CAKE, title="Cake")
    last = await world.start(conversation=TEA, title="More of it")
    tea, other = (await listed(world))[0]
    assert (tea.id, tea.title, tea.executions, tea.latest) == (TEA, "Tea, please", 2, last)
    assert (other.id, other.title, other.executions, other.latest) == (CAKE, "Cake", 1, cake)
    assert tea.created_at < other.created_at <= other.updated_at < tea.updated_at
    assert first != last


async def test_an_execution_alone_is_a_conversation_in_which_others_may_follow(world: World) -> None:
    alone = await world.start(title="Alone")
    own = ConversationId(alone)
    assert [(c.id, c.title, c.executions, c.latest) for c in (await listed(world))[0]] == [(own, "Alone", 1, alone)]
    after = await world.start(conversation=own, title="Together")
    (talk,), _ = await listed(world)
    assert (talk.id, talk.title, talk.executions, talk.latest) == (own, "Alone", 2, after)


async def test_pages_follow_each_other_without_a_gap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "BATCH", 2)
    made = [ConversationId(f"cv_{number}") for number in range(7)]
    for talk in made:
        await world.start(conversation=talk)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = await listed(world, limit=3, cursor=cursor)
        seen += [talk.id for talk in page]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_those_of_one_moment_are_all_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "BATCH", 2)
    world.store.clock = lambda: 1_800_000_000.0
    made = {ConversationId(f"cv_{number}") for number in range(5)}
    for talk in made:
        await world.start(conversation=talk)
    found, _ = await listed(world)
    assert len(found) == 5
    assert {talk.id for talk in found} == made


async def test_one_outlives_its_first_execution_and_ends_with_its_last(world: World) -> None:
    first, second = [await world.start(conversation=TEA, title=title) for title in ("Tea", "More")]
    await gone(world.redis, first)
    (talk,), _ = await listed(world)
    assert (talk.title, talk.executions, talk.latest) == ("Tea", 1, second)
    await gone(world.redis, second)
    assert await listed(world) == ([], None)
    for key in (keys.conversations("open"), keys.conversation("open", TEA), keys.about("open", TEA)):
        assert not await world.redis.exists(key)


async def test_all_that_is_kept_ends_with_the_longest_execution_there_can_be(world: World) -> None:
    await world.start(conversation=TEA)
    for key in (keys.conversations("open"), keys.conversation("open", TEA), keys.about("open", TEA)):
        assert 400 * DAY < await world.redis.ttl(key) < 432 * DAY
    await world.redis.zadd(keys.conversations("open"), {"cv_old": 1})
    await world.start(conversation=TEA)
    assert await world.redis.zscore(keys.conversations("open"), "cv_old") is None


async def test_a_start_that_is_repeated_counts_once(world: World) -> None:
    for _ in range(2):
        await world.start(conversation=TEA, key="k")
    (talk,), _ = await listed(world)
    assert talk.executions == 1
