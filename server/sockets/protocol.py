"""uvicorn's WebSocket protocol with a fast way out, and a limit to every close."""

import asyncio
from asyncio.transports import BaseTransport
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from protocol.errors import CloseCode
from server.outlet import CHUNK, OUTLET, STALL, Outlet, goodbye

#: A transport that was closed is aborted after this long, in seconds.
CLOSE_LIMIT = 10.0
#: After a violation input is dropped for so long before the socket is closed, in seconds.
LINGER = 1.0
CLOSE_CODES = frozenset(CloseCode)
#: A message may come in no more pieces than this.
MAX_FRAGMENTS = 256


class LimitedTransport:
    """A transport whose `close` always ends: what the peer does not read in time is thrown away."""

    __slots__ = ("_limit", "inner")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.inner = transport
        self._limit: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def close(self) -> None:
        """Close once all is written, or after `CLOSE_LIMIT` seconds."""
        self.inner.close()
        if self._limit is None:
            self._limit = asyncio.get_running_loop().call_later(CLOSE_LIMIT, self.inner.abort)

    def lost(self) -> None:
        """Stop the clock: the transport is gone."""
        if self._limit is not None:
            self._limit.cancel()


class RawOutlet(Outlet):
    """Writes prebuilt frames to the transport, with nothing in between while it flows."""

    __slots__ = ("_paused_size", "_protocol", "_stall", "_transport")

    def __init__(self, protocol: "WebSocketProtocol", transport: asyncio.Transport) -> None:
        super().__init__(transport.write)
        self._protocol = protocol
        self._transport = transport
        self._stall: asyncio.TimerHandle | None = None
        self._paused_size = 0

    def end(self, code: int, reason: str, last: bytes, grace: float) -> None:
        """Write `last` and a close frame behind what the transport still has."""
        self.shut()
        self._protocol.finish(code, reason, last, grace)

    def shut(self) -> None:
        """Stop the stall clock too."""
        super().shut()
        self._stop_clock()

    def pause(self) -> None:
        """Hold from now on: the transport is full."""
        if self.open:
            self.flowing = False
            self.write = self.hold
            if self._stall is None:
                self._watch_stall()

    def resume(self) -> None:
        """Write what waited, until the transport is full again."""
        self._stop_clock()
        if self.open:
            self.flowing = True
            while self._held and self.flowing:
                self._flush_chunk(self._held)
            if self.flowing:
                self._held = None
                self.write = self._transport.write
                self._wake()

    def _flush_chunk(self, held: deque[bytes]) -> None:
        wires: list[bytes] = []
        size = 0
        while held and size < CHUNK:
            wires.append(held.popleft())
            size += len(wires[-1])
        self.held -= size
        self._transport.write(b"".join(wires))

    def _watch_stall(self) -> None:
        self._paused_size = self._transport.get_write_buffer_size()
        self._stall = asyncio.get_running_loop().call_later(STALL, self._check_stall)

    def _check_stall(self) -> None:
        self._stall = None
        if self._transport.get_write_buffer_size() < self._paused_size:
            self._watch_stall()
        else:
            self._give_up()

    def _stop_clock(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with an outlet in the scope's state."""

    outlet: RawOutlet | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Put a limit on every close of this connection."""
        self.limited = LimitedTransport(cast("asyncio.Transport", transport))
        super().connection_made(cast("BaseTransport", self.limited))

    def handle_connect(self, event: Request) -> None:
        """Hand the outlet to the application."""
        self.outlet = RawOutlet(self, self.limited.inner)
        shared, self.app_state = self.app_state, {**self.app_state, OUTLET: self.outlet}
        super().handle_connect(event)
        self.app_state = shared

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what waited."""
        self._shut()
        self.limited.lost()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Hold frames back."""
        super().pause_writing()
        if self.outlet is not None:
            self.outlet.pause()

    def resume_writing(self) -> None:
        """Let them go."""
        super().resume_writing()
        if self.outlet is not None:
            self.outlet.resume()

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a handshake that was answered with an HTTP status is complete, which uvicorn would take for a fault."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer, but do not pile up answers for a peer that reads none."""
        if self.outlet is None or self.outlet.flowing:
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_pong(self, event: Frame) -> None:
        """Count a pong as life."""
        if self.outlet is not None:
            self.outlet.heard = self.loop.time()
        super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """Refuse messages in very many pieces: each piece costs memory, even an empty one."""
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._violated(CloseCode.MESSAGE_TOO_BIG)

    def send_receive_event_to_app(self) -> None:
        """Refuse invalid UTF-8 without a traceback: the peer's mistake is not the server's error."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(self.frames):
            self.frames = []
            self._violated(CloseCode.INVALID_PAYLOAD)
        else:
            super().send_receive_event_to_app()

    def handle_close(self, event: Frame) -> None:
        """Write nothing after the closing handshake."""
        self._shut()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        """Say `bye` to a peer that broke RFC 6455, close, and go on reading a while: what it still sends is dropped.

        A socket that is closed with unread input resets the connection, and the peer may never see why.
        """
        if self.close_sent or self.conn.close_sent is None:
            return
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        last = b""
        if self.outlet is not None and self.outlet.open and code in CLOSE_CODES:
            last = self.outlet.encoding.one(goodbye(CloseCode(code)))
        self._shut()
        self._end(code, reason, last, LINGER, self.transport.close)

    def keepalive_timeout(self) -> None:
        """Free the socket at once: a peer that answers no ping reads no close frame either."""
        self._shut()
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """Write nothing after the server's own close."""
        self._shut()
        super().shutdown()

    def finish(self, code: int, reason: str, last: bytes, grace: float) -> None:
        """Start the closing handshake, as an ASGI `websocket.close` does, but without waiting for room."""
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.conn.send_close(code, reason)
            self._end(code, reason, last, grace, self.transport.abort)

    def _end(self, code: int, reason: str, last: bytes, grace: float, then: Callable[[], None]) -> None:
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(last + b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(grace, then)

    def _violated(self, code: CloseCode) -> None:
        self.conn.fail(code, code.slug)
        self.handle_parser_exception()

    def _shut(self) -> None:
        if self.outlet is not None:
            self.outlet.shut()


def _is_utf8(pieces: list[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True
