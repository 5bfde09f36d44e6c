"""A world around a scripted crew."""

import pytest
from redis.asyncio import Redis

from tests.support.scripted import Scripted, World


@pytest.fixture
async def world(redis: Redis) -> World:
    made = World(redis, Scripted())
    await made.prepare()
    return made
