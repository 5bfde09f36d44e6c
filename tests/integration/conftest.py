"""A world around a scripted crew, a receiver of webhooks, and a Valkey server that a test may break."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.support.receiver import Receiver
from tests.support.scripted import Scripted, World
from tests.support.valkey import Valkey


@pytest.fixture
async def world(redis: Redis) -> World:
    made = World(redis, Scripted())
    await made.prepare()
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who is called by webhooks."""
    with Receiver() as server:
        yield server


@pytest.fixture
async def valkey(short_path: Path) -> AsyncIterator[Valkey]:
    """A durable server of the test's own, which it may freeze, kill and start again."""
    server = Valkey(short_path, durable=True)
    server.start()
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
async def impatient(valkey: Valkey) -> AsyncIterator[Redis]:
    """A client of that server which waits a second at most."""
    client = Redis(unix_socket_path=valkey.socket, socket_timeout=1, socket_connect_timeout=1)
    yield client
    await client.aclose()
