"""Peers that read nothing of their answer, or go while another request of theirs waits: they hold nothing for long."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import anyio
import anyio.to_thread
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from server.sockets import Server, http
from tests.support.serving import serving
from tests.support.waiting import wait_until

PIECE = b"~" * 100_000
PIECES = 200


class Site(NamedTuple):
    """A server, and for whom it is at work."""

    server: Server
    port: int
    working: list[str]


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Serve much, at once and in pieces; and something that lasts for as long as the client is there."""
    working: list[str] = []

    async def whole(_: Request) -> Response:
        return PlainTextResponse(PIECE * PIECES)

    async def pieces() -> AsyncIterator[bytes]:
        working.append("pieces")
        try:
            for _ in range(PIECES):
                yield PIECE
        finally:
            working.remove("pieces")

    async def parted(_: Request) -> Response:
        return StreamingResponse(pieces())

    async def beats() -> AsyncIterator[bytes]:
        working.append("lasting")
        try:
            while True:
                yield b"beat"
                await anyio.sleep(0.01)
        finally:
            working.remove("lasting")

    async def lasting(_: Request) -> Response:
        return StreamingResponse(beats())

    app = Starlette(routes=[Route("/whole", whole), Route("/parted", parted), Route("/lasting", lasting)])
    async with serving(app) as (server, port):
        yield Site(server, port, working)


@contextmanager
def asking(site: Site, *paths: str, small: bool = True) -> Iterator[socket.socket]:
    """Send requests, all at once, on one connection."""
    with socket.socket() as plain:
        if small:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(30)
        plain.connect(("127.0.0.1", site.port))
        plain.sendall(b"".join(f"GET {path} HTTP/1.1\r\nhost: here\r\n\r\n".encode() for path in paths))
        yield plain


@pytest.mark.parametrize("path", ["/whole", "/parted"])
async def test_who_reads_nothing_of_an_answer_is_left(site: Site, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert 30 <= http.READ_LIMIT <= 120
    monkeypatch.setattr(http, "READ_LIMIT", 0.2)
    with asking(site, path):
        await wait_until(lambda: bool(site.server.server_state.connections), description="it is there")
        await wait_until(lambda: not site.server.server_state.connections, description="it is left")
        await wait_until(lambda: not site.working, description="and nobody works for it")


@pytest.mark.parametrize("path", ["/whole", "/parted"])
async def test_who_reads_on_gets_everything(site: Site, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(http, "READ_LIMIT", 2.0)

    def read(plain: socket.socket) -> int:
        found = 0
        while found < len(PIECE) * PIECES:
            part = plain.recv(1 << 16)
            assert part, f"only {found} bytes"
            found += part.count(b"~")
        return found

    with asking(site, path) as plain:
        assert await anyio.to_thread.run_sync(read, plain) == len(PIECE) * PIECES


async def test_who_goes_is_worked_for_no_more_though_another_request_waits(site: Site) -> None:
    with asking(site, "/lasting", "/whole"):
        await wait_until(lambda: site.working == ["lasting"], description="it is at work")
    await wait_until(lambda: not site.working, description="it has noticed")
