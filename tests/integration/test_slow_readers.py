"""Sockets that take nothing: they hold up nobody, hold few bytes, and are free again soon."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest
from redis.asyncio import Redis

from protocol.ids import ExecutionId
from server import outlet as outlets
from server.sockets import protocol as sockets
from tests.support.edge import Site, receive, running_site
from tests.support.edge_log import event_template
from tests.support.raw import CLOSE, PING, TEXT, RawClient, masked, raw_client
from tests.support.waiting import wait_until

X = ExecutionId("x_1")


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both kinds of loop: their transports pause, close and abort in their own ways."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks that run out soon."""
    monkeypatch.setattr(sockets, "STALL", 0.2)
    monkeypatch.setattr(sockets, "CLOSE_LIMIT", 0.2)


async def fill(site: Site, count: int) -> None:
    """Append large events until enough bytes are on their way."""
    data = '{"step":"%s","reason":"r"}' % ("s" * 10_000)
    for _ in range(count):
        await site.edge.log.append(X, event_template(X, "journal.missed", data))


@asynccontextmanager
async def stalled(site: Site) -> AsyncIterator[RawClient]:
    """A client that watches and does not read."""
    async with raw_client(site.port, small=True) as client:
        await client.receive()
        await client.send(masked(b'{"type":"start","crew":"1","id":1}'))
        while msgspec.json.decode((await client.receive()).payload)["type"] != "synced":
            pass
        yield client


async def test_a_reader_that_stalls_is_let_go_and_the_others_get_everything(redis: Redis, hasty: None) -> None:
    async with running_site(redis) as site, site.connect() as good, stalled(site):
        await good.send('{"type":"watch","execution":"x_1","after":"now"}')
        await receive(good, "synced")
        seen: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fill, site, 1200)
            while seen[-1:] != [1201]:
                seen.append((await receive(good, "journal.missed"))["offset"])
        assert seen == list(range(2, 1202))
        await wait_until(lambda: len(site.endpoint.connections) == 1, description="the stalled one is let go")
        await wait_until(lambda: len(site.server.server_state.connections) == 1, description="its socket is free")
        assert site.endpoint.queue_bytes() == 0


async def test_too_many_waiting_bytes_close_the_connection_before_the_clock_does(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, "MAX_HELD", 100_000)
    async with running_site(redis) as site, stalled(site) as client:
        (connection,) = site.endpoint.connections
        most = 0
        while site.endpoint.connections and connection.outlet.open:
            await fill(site, 20)
            most = max(most, connection.outlet.held)
        assert most <= 100_000
        await wait_until(lambda: not site.server.server_state.connections, description="its socket is free")
        await client.ended()


async def test_a_slow_reader_that_reads_again_gets_everything_in_order(redis: Redis) -> None:
    async with running_site(redis) as site, stalled(site) as client:
        (connection,) = site.endpoint.connections
        while connection.outlet.held < 300_000:
            await fill(site, 10)
        await fill(site, 1)
        last = (await site.edge.log.page(X, 0, 1) or pytest.fail("no log")).last
        seen = [1]
        while seen[-1] < last:
            seen.append(msgspec.json.decode((await client.until(TEXT)).payload)["offset"])
        assert seen == list(range(1, last + 1))
        await wait_until(lambda: connection.outlet.held == 0, description="nothing waits")
        assert connection.outlet.flowing


async def test_a_client_that_sends_close_and_reads_nothing_is_freed(redis: Redis, hasty: None) -> None:
    async with running_site(redis) as site, stalled(site) as client:
        (connection,) = site.endpoint.connections
        while connection.outlet.flowing:
            await fill(site, 10)
        await client.send(masked((1000).to_bytes(2), CLOSE))
        await wait_until(lambda: not site.server.server_state.connections, description="its socket is free")


async def test_pings_of_a_peer_that_reads_nothing_do_not_pile_up(redis: Redis) -> None:
    async with running_site(redis) as site, stalled(site) as client:
        (connection,) = site.endpoint.connections
        while connection.outlet.flowing:
            await fill(site, 10)
        (protocol,) = site.server.server_state.connections
        waiting = protocol.transport.get_write_buffer_size()
        heard = connection.outlet.heard
        await client.send(masked(b"x" * 125, PING) * 5000 + masked(b'{"type":"pong"}'))
        await wait_until(lambda: connection.outlet.heard > heard, description="all pings are read")
        assert protocol.transport.get_write_buffer_size() <= waiting


async def test_a_peer_that_answers_no_ping_is_freed_at_once(redis: Redis) -> None:
    async with running_site(redis, ws_ping_interval=0.1, ws_ping_timeout=0.1) as site, stalled(site) as client:
        (connection,) = site.endpoint.connections
        while connection.outlet.flowing and site.endpoint.connections:
            await fill(site, 10)
        await wait_until(lambda: not site.server.server_state.connections, description="its socket is free")
        await client.ended()
