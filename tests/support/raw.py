"""A WebSocket client that sends whatever bytes it is told to, and may stop reading."""

import base64
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
from anyio.abc import SocketAttribute, SocketStream

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0


class Frame(NamedTuple):
    """A frame as the server sent it."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        assert self.opcode == CLOSE
        return int.from_bytes(self.payload[:2])


def masked(payload: bytes, opcode: int = TEXT, *, final: bool = True, reserved: int = 0, mask: bool = True) -> bytes:
    """Frame a message as a client does, or wrongly."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head = bytes((first, bit | len(payload)))
    elif len(payload) < 65_536:
        head = bytes((first, bit | 126)) + len(payload).to_bytes(2)
    else:
        head = bytes((first, bit | 127)) + len(payload).to_bytes(8)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


class RawClient:
    """One connection behind its handshake. `status` and `headers` are the handshake's answer."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._buffer = b""
        self.status = 0
        self.headers: dict[str, str] = {}

    async def handshake(self, port: int, **headers: str) -> None:
        """Ask for an upgrade."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /ws HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        given = {"Host": f"127.0.0.1:{port}", "Sec-WebSocket-Key": key} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        lines += [f"{name}: {value}" for name, value in given.items()]
        await self._stream.send("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += await self._stream.receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status, *rest = head.decode().split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self._stream.send(data)

    async def receive(self) -> Frame:
        """Read one frame; raises EndOfStream or BrokenResourceError when the server is gone."""
        head = await self._exactly(2)
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(await self._exactly(2 if size == 126 else 8))
        return Frame(head[0] & 0x0F, await self._exactly(size))

    async def until(self, opcode: int) -> Frame:
        """Read until a frame of a kind."""
        while (frame := await self.receive()).opcode != opcode:
            pass
        return frame

    async def ended(self) -> None:
        """Read until the server is gone."""
        try:
            while True:
                await self.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += await self._stream.receive()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


@asynccontextmanager
async def raw_client(port: int, *, small: bool = False, **headers: str) -> AsyncIterator[RawClient]:
    """Connect. `small`: with a receive buffer so small that the server soon cannot write."""
    plain = socket.socket()
    if small:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    with anyio.fail_after(30):
        async with await SocketStream.from_socket(_connected(plain, port)) as stream:
            assert stream.extra(SocketAttribute.remote_port) == port
            client = RawClient(stream)
            await client.handshake(port, **headers)
            yield client


def _connected(plain: socket.socket, port: int) -> socket.socket:
    plain.setblocking(True)
    plain.connect(("127.0.0.1", port))
    return plain
