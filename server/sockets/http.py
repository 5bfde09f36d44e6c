"""uvicorn's HTTP protocol, with limits to what a peer may do that asks for nothing yet, and a way to leave one.

uvicorn keeps whatever comes before a body, however long it is and takes; and its `close` would wait for a peer that
reads nothing.
"""

import asyncio
from asyncio.transports import BaseTransport
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.outlet import ABORT

#: A request's head, and what is behind its body, may be so large in bytes; chunks may cost some bytes each beside.
LARGEST_HEAD = 64 * 1024
PER_BYTE = 8
#: A head must be there so many seconds after the connection, or after its own first byte.
HEAD_LIMIT = 20.0
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HttpProtocol(HttpToolsProtocol):
    """Hands over the transport's `abort` in the `state` of every scope."""

    #: Bytes of the message at hand, less those of the read that it began in, and of its body.
    _received = _body = 0
    _fresh = _whole = False
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for a head, but not for ever."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_clock()
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
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._whole = True
        super().on_message_complete()

    def _await_head(self) -> None:
        self._clock = self.loop.call_later(HEAD_LIMIT, self.transport.close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
