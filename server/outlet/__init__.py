"""The way out to one socket: how frames are encoded for it, and how many bytes may wait for it.

A fan-out writes to thousands of outlets and waits for none. An outlet hands bytes to its socket at once while the
socket takes them, holds them while it does not, and gives the socket up when too much waits for too long: the client
comes back and resumes from its position, so that giving up loses nothing.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from protocol.errors import CloseCode
from protocol.frames import Bye, encode

#: More than this may not wait for one socket, in bytes.
MAX_HELD = 1 << 20
#: A socket that takes nothing for this long is given up, in seconds.
STALL = 10.0
#: Under this name a server hands over an outlet in the ASGI scope's `state`.
OUTLET = "outlet"
#: Under this name it hands over what breaks an HTTP connection off, whatever waits to be sent.
ABORT = "abort"
#: Frames that waited are joined into writes of about this size, in bytes.
CHUNK = 1 << 16


def text_frame(payload: bytes) -> bytes:
    """Frame a text message as RFC 6455 has it: final, unmasked, uncompressed."""
    return _header(0x81, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """Turn a JSON payload into msgpack and frame it as a binary message."""
    packed = to_msgpack(payload)
    return _header(0x82, len(packed)) + packed


def goodbye(code: CloseCode, *, after: float = 0.0) -> bytes:
    """Make the `bye` frame that goes before a close. `after`: how many seconds the client should stay away."""
    return encode(Bye(code=code, reason=code.slug, after=round(after, 3), resume=code >= CloseCode.AUTH_EXPIRED))


def _header(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 65_536:
        return b"%c~%b" % (first, size.to_bytes(2, "big"))
    return b"%c\x7f%b" % (first, size.to_bytes(8, "big"))


def to_msgpack(payload: bytes) -> bytes:
    """Turn JSON into msgpack. Integers beyond 64 bits, which msgpack lacks, become floats, as in JavaScript."""
    value = msgspec.json.decode(payload)
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return msgspec.msgpack.encode(_within_64_bits(value))


def _within_64_bits(value: Any) -> Any:
    match value:
        case dict():
            return {key: _within_64_bits(item) for key, item in value.items()}
        case list():
            return [_within_64_bits(item) for item in value]
        case int() if not -(2**63) <= value < 2**64:
            return float(value)
        case _:
            return value


@dataclass(frozen=True, eq=False)
class Encoding:
    """How one kind of socket takes frames: `one` JSON payload, or `many` at a time, as what its outlet writes.

    Two outlets that share an encoding share the bytes: a message is encoded once for all of them.
    """

    one: Callable[[bytes], Any]
    many: Callable[[Sequence[bytes]], Any]


def _joined(one: Callable[[bytes], bytes], payloads: Sequence[bytes]) -> bytes:
    return b"".join(map(one, payloads))


def _listed(one: Callable[[bytes], str | bytes], payloads: Sequence[bytes]) -> tuple[str | bytes, ...]:
    return tuple(map(one, payloads))


def _single(one: Callable[[bytes], str | bytes], payload: bytes) -> tuple[str | bytes]:
    return (one(payload),)


#: Bytes that go to a transport as they are.
TEXT_FRAMES = Encoding(text_frame, partial(_joined, text_frame))
BINARY_FRAMES = Encoding(binary_frame, partial(_joined, binary_frame))
#: Messages that an ASGI server frames itself.
TEXT_MESSAGES = Encoding(partial(_single, bytes.decode), partial(_listed, bytes.decode))
BINARY_MESSAGES = Encoding(partial(_single, to_msgpack), partial(_listed, to_msgpack))


class Outlet(ABC):
    """One socket's way out.

    `write` takes what `encoding` made, never waits and never raises. It is an attribute and not a method, so that a
    fan-out calls the transport itself while the socket is `flowing`: it takes bytes now. `open`: it was not given up.
    """

    __slots__ = ("_held", "_room", "encoding", "flowing", "heard", "held", "on_slow", "open", "write")

    def __init__(self, write: Callable[[Any], None]) -> None:
        self.write = write
        self.encoding = TEXT_FRAMES
        self.flowing = True
        self.open = True
        #: Bytes that wait here for the socket.
        self.held = 0
        #: When the peer was last heard, in loop time.
        self.heard = asyncio.get_running_loop().time()
        #: Called, later in the loop, when the socket is too slow.
        self.on_slow: Callable[[], None] | None = None
        self._held: deque[Any] | None = None
        self._room: asyncio.Event | None = None

    @abstractmethod
    def end(self, code: int, reason: str, last: Any, grace: float) -> None:
        """Say the last words if the socket takes them, close it, and free it after `grace` seconds at the latest."""

    def send(self, payload: bytes) -> None:
        """Encode one JSON frame for this socket and write it."""
        if self.open:
            self.write(self.encoding.one(payload))

    async def drained(self) -> bool:
        """Wait until the socket takes bytes again; false when it was given up. An outlet that stalls ends this."""
        while self.open and not self.flowing:
            self._room = self._room or asyncio.Event()
            await self._room.wait()
        return self.open

    def shut(self) -> None:
        """Forget what waits; from now on writes are dropped."""
        self.open = self.flowing = False
        self.write = _drop
        self.held = 0
        self._held = None
        self._wake()

    def hold(self, wire: Any) -> None:
        """Keep bytes until the socket takes them."""
        self._hold(wire, len(wire))

    def _hold(self, wire: Any, size: int) -> None:
        if not self.open:
            return
        if self.held + size > MAX_HELD:
            self._give_up()
            return
        if self._held is None:
            self._held = deque()
        self._held.append(wire)
        self.held += size

    def _give_up(self) -> None:
        if self.open:
            self.shut()
            if self.on_slow is not None:
                asyncio.get_running_loop().call_soon(self.on_slow)

    def _wake(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None


def _drop(wire: Any) -> None:
    """Write nothing."""
