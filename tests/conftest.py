"""Fixtures: a real Valkey per test process, a clean database per test, and waiting for conditions."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.valkey import Valkey


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a path short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Valkey server that this test process owns."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        server = Valkey(Path(folder))
        server.start()
        yield server.url
        server.stop()


@pytest.fixture
async def redis(redis_server: str) -> AsyncIterator[Redis]:
    """A client on an empty database. A key left without a TTL, and belonging to no open execution, fails the test."""
    client = Redis.from_url(redis_server)
    await client.flushall()
    yield client
    leaked = await leaked_keys(client)
    await client.aclose()
    assert not leaked, f"keys left without TTL: {leaked}"


async def leaked_keys(client: Redis) -> list[str]:
    """Find keys that would stay for ever."""
    found: list[str] = []
    scanned: Any = client.scan_iter(count=1000)
    async for raw in scanned:
        key: str = raw.decode()
        if key.startswith("qd:") and await client.ttl(raw) == -1 and not await belongs_to_open(client, key):
            found.append(key)
    return sorted(found)


async def belongs_to_open(client: Redis, key: str) -> bool:
    """Tell whether the key is part of an execution that has not ended, or of the lists of such executions."""
    if key.startswith(("qd:active", "qd:crews", "qd:docket", "qd:tenants", "qd:apikey")) or key.endswith(
        (":inbox", ":executions")
    ):
        return True
    tag = key[: key.find("}") + 1]
    state: Any = await client.hget(f"{tag}:state", "state")
    return state is not None and state.decode() in {"queued", "running", "waiting", "paused"}


os.environ.setdefault("CREWAI_DISABLE_TELEMETRY", "true")
