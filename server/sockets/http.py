"""uvicorn's HTTP protocol, with limits to what a peer may do before it asks and after it is answered; and a way out.

uvicorn keeps whatever comes before a body, however long it is and takes; it waits for a peer that reads nothing, in its
`close` as well; and of several requests on one connection it tells only the last that the peer has gone.
"""

import asyncio
from asyncio.transports import BaseTransport
from collections.abc import Sequence
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.outlet import ABORT

#: A request's head, and what is behind its body, may be so large in bytes; chunks may cost some bytes each beside.
LARGEST_HEAD = 64 * 1024
PER_BYTE = 8
#: A head must be there so many seconds after the connection, or after its own first byte.
HEAD_LIMIT = 20.0
#: Of what waits for it, a peer must take something within so many seconds.
READ_LIMIT = 60.0
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HttpProtocol(HttpToolsProtocol):
    """Hands over the transport's `abort` in the `state` of every scope."""

    #: Bytes of the message at hand, less those of the read that it began in, and of its body.
    _received = _body = 0
    _fresh = _whole = False
    _clock: asyncio.TimerHandle | None = None
    #: Bytes that waited for the peer when its reading was last looked at.
    _unread = 0
    _reading: asyncio.TimerHandle | None = None
    #: The requests that are not answered yet: the one at work, and those behind it.
    _open: Sequence[RequestResponseCycle] = ()

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for a head, but not for ever."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more, and tell all who work for the peer."""
        self._stop_clock()
        self._stop_reading()
        for cycle in self._open:
            cycle.disconnected = not cycle.response_complete
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is too much for what it says."""
        cycle: RequestResponseCycle | None = self.cycle
        if self._clock is None and (cycle is None or cycle.response_complete):
            self._await_head()
        super().data_received(data)
        self._received += 0 if self._fresh else len(data)
        self._fresh = False
        if not self._whole and self._received - self._body > LARGEST_HEAD + PER_BYTE * self._body:
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._received, self._body, self._fresh, self._whole = 0, 0, True, False
        cast("dict[str, object]", self.scope["state"])[ABORT] = self.transport.abort

    def on_headers_complete(self) -> None:
        """Have the request answered."""
        self._stop_clock()
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:  # it is no handshake of WebSocket
            self._open = [cycle for cycle in (*self._open, self.cycle) if not cycle.response_complete]

    def handle_websocket_upgrade(self) -> None:
        """Leave the peer to the protocol of its socket."""
        self._stop_reading()
        super().handle_websocket_upgrade()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._whole = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Have the answer read."""
        super().on_response_complete()
        self._await_reading()

    def pause_writing(self) -> None:
        """Have what is there read, before there is more."""
        super().pause_writing()
        self._await_reading()

    def _await_reading(self) -> None:
        self._stop_reading()
        self._unread = self.transport.get_write_buffer_size()
        if self._unread:
            self._reading = self.loop.call_later(READ_LIMIT, self._check_reading)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _check_reading(self) -> None:
        if self.transport.get_write_buffer_size() == self._unread:  # neither read, nor anything behind it
            self.transport.abort()
        else:
            self._await_reading()

    def _await_head(self) -> None:
        self._clock = self.loop.call_later(HEAD_LIMIT, self.transport.close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
