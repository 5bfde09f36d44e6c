"""uvicorn underneath: what it must still do, and what is refused at RFC 6455's edges.

The first tests are a contract: they fail when uvicorn changes a private name that `server.sockets` leans on.
"""

import inspect
import logging
from typing import Any

import anyio
import msgspec
import pytest
from redis.asyncio import Redis
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from protocol.frames import MAX_FRAME
from protocol.ids import ExecutionId
from server.outlet import Outlet
from server.sockets import Server, configure
from server.sockets import protocol as sockets
from server.sockets.protocol import WebSocketProtocol
from tests.support.edge import Site, receive, running_site
from tests.support.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, masked, raw_client
from tests.support.waiting import wait_until

X = ExecutionId("x_1")


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both kinds of loop: their transports pause, close and abort in their own ways."""
    return "asyncio", {"use_uvloop": request.param}


# The contract


@pytest.mark.parametrize(
    "name",
    [
        "connection_made", "connection_lost", "pause_writing", "resume_writing", "handle_connect", "handle_cont",
        "handle_ping",
        "handle_pong", "handle_close", "handle_parser_exception", "send_receive_event_to_app", "keepalive_timeout",
        "stop_keepalive", "shutdown",
    ],
)  # fmt: skip
def test_uvicorn_still_has_the_methods_that_are_overridden_or_called(name: str) -> None:
    ours, theirs = getattr(WebSocketProtocol, name), getattr(WebSocketsSansIOProtocol, name)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


def test_uvicorn_still_has_the_attributes_that_are_used() -> None:
    used = {
        "transport", "app_state", "conn", "queue", "close_sent", "disconnected", "read_paused", "close_timer", "frames",
        "curr_msg_data_type", "loop",
    }  # fmt: skip
    source = inspect.getsource(WebSocketsSansIOProtocol.__init__)
    assert {name for name in used if f"self.{name}" not in source} == set()


def test_uvicorn_still_copies_the_state_into_the_scope() -> None:
    assert "self.app_state.copy()" in inspect.getsource(WebSocketsSansIOProtocol.handle_connect)


async def test_the_application_gets_an_outlet_whose_frames_arrive_as_they_are(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await receive(client, "welcome")
        (connection,) = site.endpoint.connections
        assert isinstance(connection.outlet, sockets.RawOutlet)
        for size in (0, 125, 126, 65_535, 65_536, 300_000):
            connection.outlet.send(b"x" * size)
            assert await client.recv() == "x" * size


async def test_compression_is_never_negotiated(redis: Redis) -> None:
    offer = "permessage-deflate"
    async with running_site(redis) as site, raw_client(site.port, Sec_WebSocket_Extensions=offer) as client:
        assert client.status == 101
        assert "sec-websocket-extensions" not in client.headers


# RFC 6455's edges


async def code_for(site: Site, *data: bytes) -> int:
    """Send bytes; the code with which the server closes."""
    async with raw_client(site.port) as client:
        for piece in data:
            await client.send(piece)
        await client.receive()
        bye = msgspec.json.decode((await client.receive()).payload)
        code = (await client.receive()).close_code
        assert (bye["type"], bye["code"], bye["resume"]) == ("bye", code, False)
        return code


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (1002, [masked(b"{}", mask=False)]),
        (1002, [masked(b"{}", reserved=4)]),
        (1002, [masked(b"{}", reserved=1)]),
        (1002, [masked(b"", 0x3)]),
        (1002, [masked(b"", 0xB)]),
        (1002, [masked(b"x" * 126, PING)]),
        (1002, [masked(b"", PING, final=False)]),
        (1002, [masked(b"x", CONTINUATION)]),
        (1002, [masked(b"a", final=False), masked(b"b")]),
        (1002, [masked(b"\x03", CLOSE)]),
        (1002, [masked((999).to_bytes(2), CLOSE)]),
        (1002, [masked((1005).to_bytes(2), CLOSE)]),
        (1007, [masked(b"\xff\xfe")]),
        (1007, [masked(b"\xce\xba\xe1\xbd\xb9\xcf", final=False), masked(b"\x83\xce\xbc\xce\xb5\xed\xa0\x80", 0)]),
        (1007, [masked((1000).to_bytes(2) + b"\xff", CLOSE)]),
        (1009, [masked(b" " * (MAX_FRAME + 1))]),
        (1009, [masked(b" " * 40_000, final=False), masked(b" " * 40_000, CONTINUATION)]),
        (1009, [masked(b"", final=False), *[masked(b"", CONTINUATION, final=False)] * 300]),
        (1003, [masked(b"{}", BINARY)]),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
async def test_a_violation_closes_with_its_code_and_without_a_traceback(
    redis: Redis, code: int, data: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    async with running_site(redis) as site:
        assert await code_for(site, *data) == code
        await wait_until(lambda: not site.endpoint.connections, description="the connection is forgotten")
        await wait_until(lambda: not site.server.server_state.connections, description="the transport is gone")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_is_allowed_is_understood(redis: Redis) -> None:
    async with running_site(redis) as site, raw_client(site.port) as client:
        assert msgspec.json.decode((await client.receive()).payload)["type"] == "welcome"
        await client.send(masked(b"hello", PING))
        assert await client.receive() == (PONG, b"hello")
        await client.send(
            masked(b'{"type":"ping"', final=False) + masked(b"", PING) + masked(b',"id":1}', CONTINUATION)
        )
        assert await client.receive() == (PONG, b"")
        reply = msgspec.json.decode((await client.receive()).payload)
        assert (reply["type"], reply["re"]) == ("reply", 1)
        await client.send(b"".join(masked(b'{"type":"ping","id":%d}' % n) for n in range(2, 30)))
        replies = [msgspec.json.decode((await client.until(TEXT)).payload)["re"] for _ in range(2, 30)]
        assert replies == list(range(2, 30))
        for byte in masked(b'{"type":"ping","id":"slow"}'):
            await client.send(bytes((byte,)))
        assert msgspec.json.decode((await client.receive()).payload)["re"] == "slow"
        await client.send(masked((1000).to_bytes(2), CLOSE))
        assert (await client.until(CLOSE)).close_code == 1000
        await client.ended()


async def test_a_peer_that_goes_on_sending_still_learns_why_it_was_closed(redis: Redis) -> None:
    message = masked(b" " * 100_000)
    async with running_site(redis) as site, raw_client(site.port) as client:
        await client.receive()
        for _ in range(50):
            await client.send(message)
        await client.receive()
        assert (await client.receive()).close_code == 1009


async def test_a_client_that_vanishes_is_forgotten(redis: Redis) -> None:
    async with running_site(redis) as site:
        async with raw_client(site.port) as client:
            await client.receive()
            await client.send(masked(b'{"type":"start","crew":"1"}'))
            await client.until(TEXT)
        await wait_until(lambda: not site.endpoint.connections, description="the connection is forgotten")
        await wait_until(lambda: not site.server.server_state.connections, description="the transport is gone")


# The server


async def test_shutdown_takes_leave_first_and_lets_nobody_in(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await receive(client, "welcome")
        site.server.should_exit = True
        bye = await receive(client, "bye")
        assert (bye["code"], bye["resume"]) == (4200, True)
        assert 0 <= bye["after"] <= 2
        with pytest.raises(OSError, match=r".*"):
            await anyio.connect_tcp("127.0.0.1", site.port)


async def test_a_second_interrupt_ends_the_drain() -> None:
    entered = anyio.Event()

    async def drain() -> None:
        entered.set()
        await anyio.sleep_forever()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody connects")

    server = Server(configure(app, host="127.0.0.1", port=0, lifespan="off"), drain)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve)
            await wait_until(lambda: server.started, description="the server runs")
            server.handle_exit(2, None)
            await entered.wait()
            server.handle_exit(2, None)


def test_the_configuration_has_the_limits() -> None:
    config = configure(lambda: None, uds="/tmp/x")
    assert config.ws_max_size == MAX_FRAME
    assert config.ws_per_message_deflate is False
    assert (config.ws_ping_interval, config.ws_ping_timeout) == (20, 20)
    assert config.timeout_graceful_shutdown == 30
    assert issubclass(sockets.RawOutlet, Outlet)
