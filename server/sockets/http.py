"""uvicorn's HTTP protocol, with a way to leave a peer that reads nothing: its `close` would wait for that peer."""

from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.outlet import ABORT


class HttpProtocol(HttpToolsProtocol):
    """Hands over the transport's `abort` in the `state` of every scope."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        cast("dict[str, object]", self.scope["state"])[ABORT] = self.transport.abort
