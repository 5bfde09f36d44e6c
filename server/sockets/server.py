"""uvicorn's server with a drain before shutdown, and its configuration."""

import asyncio
from collections.abc import Awaitable, Callable
from socket import socket
from typing import Any

import uvicorn

from protocol.frames import MAX_FRAME
from server.sockets.http import HttpProtocol
from server.sockets.protocol import WebSocketProtocol


class Server(uvicorn.Server):
    """uvicorn's server, which takes leave of its clients before it shuts down, and exits with 0 when asked to end."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stop accepting, drain, then shut down. A second Ctrl-C ends the drain."""
        for server in self.servers:
            server.close()
        draining = asyncio.ensure_future(self._drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        await super().shutdown(sockets)
        self._captured_signals.clear()


def configure(app: Any, **where: Any) -> uvicorn.Config:
    """Make uvicorn's configuration; `where` is `host` and `port`, `uds` or `fd`, and what else uvicorn takes.

    Inbound messages are limited, compression is off (it costs three times the CPU and opens CRIME), pings run at 20 s.
    """
    settings: dict[str, Any] = {
        "http": HttpProtocol,
        "ws": WebSocketProtocol,
        "ws_max_size": MAX_FRAME,
        "ws_per_message_deflate": False,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
        "timeout_graceful_shutdown": 30,
        "server_header": False,
        "access_log": False,
        "log_config": None,
        "lifespan": "on",
    }
    return uvicorn.Config(app, **(settings | where))


async def serve(
    app: Any, *, drain: Callable[[], Awaitable[None]], sockets: list[socket] | None = None, **where: Any
) -> None:
    """Serve until SIGINT or SIGTERM, drain, and return."""
    await Server(configure(app, **where), drain).serve(sockets)
