"""What a peer may send before it has asked for anything: so much, within so long."""

from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from anyio.abc import SocketStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.sockets import http
from tests.support.serving import serving

HEAD = b"POST / HTTP/1.1\r\nhost: here\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def count(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serve the length of what is sent."""
    app = Starlette(routes=[Route("/", count, methods=["POST"])])
    async with serving(app) as (_, port):
        yield port


async def answer(stream: SocketStream) -> bytes:
    """Read up to the end of the connection."""
    content = b""
    with anyio.fail_after(10):
        try:
            async for piece in stream:
                content += piece
        except anyio.BrokenResourceError:
            pass  # what was sent on meanwhile resets it
    return content


async def pour(stream: SocketStream, piece: bytes, size: int) -> None:
    """Send the same piece on and on, until it is so much, or the server has had enough."""
    with anyio.fail_after(30):
        try:
            for _ in range(size // len(piece)):
                await stream.send(piece)
        except anyio.BrokenResourceError:
            return


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (HEAD, b"x-filler: %s\r\n" % (b"x" * 1000)), (HEAD + b"x-filler: ", b"x" * 1000), (b"POST /", b"x" * 1000),
        (CHUNKED + b"1\r\nx\r\n0\r\nx-filler: ", b"x" * 1000), (CHUNKED + b"1;filler=", b"x" * 1000),
    ],
    ids=["fields", "field", "path", "trailer", "extension"],
)  # fmt: skip
async def test_a_head_without_end_is_refused(port: int, begin: bytes, piece: bytes) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(begin)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pour, stream, piece, 64 << 20)
            said = await answer(stream)
            tasks.cancel_scope.cancel()
    assert said == b"" or said.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


@pytest.mark.parametrize("begin", [b"", b"POST / HTTP/1.1\r\nx-slow: ", b"\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    assert http.HEAD_LIMIT <= 30
    monkeypatch.setattr(http, "HEAD_LIMIT", 0.2)
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(begin)
        assert await answer(stream) == b""
    monkeypatch.undo()
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(HEAD + b"content-length: 0\r\n\r\n")
        assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(http, "HEAD_LIMIT", 0.2)
        await stream.send(begin or b"\r\n")
        assert await answer(stream) == b""


async def test_large_bodies_in_small_pieces_and_long_heads_are_taken(port: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20_000):
            yield b"xx"

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        headers = {f"x-{number}": "x" * 1000 for number in range(50)}
        for _ in range(2):
            assert (await client.post("/", content=b"x" * 3_000_000, headers=headers)).text == "3000000"
            assert (await client.post("/", content=pieces())).text == "40000"
