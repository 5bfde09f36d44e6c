"""The ceiling: the least that a Python server can do for each delivery, without order, limits or repair.

One shared redis-py subscriber; each message is framed once and written to every transport. It loses what is published
while its connection is down, and grows without bound when a client is slow: it is a measure, not a server.
"""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from server.outlet import text_frame

transports: dict[bytes, dict[asyncio.Transport, None]] = {}


class BareProtocol(WebSocketsSansIOProtocol):
    """Hands itself to the application."""

    def handle_connect(self, event: Request) -> None:
        self.app_state = {**self.app_state, "protocol": self}
        super().handle_connect(event)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Subscribe the socket to the channel that its query string names."""
    await receive()
    await send({"type": "websocket.accept"})
    channel, transport = scope["query_string"], scope["state"]["protocol"].transport
    transports.setdefault(channel, {})[transport] = None
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        transports[channel].pop(transport, None)


async def forward(url: str) -> None:
    """Write what Redis publishes to the sockets."""
    redis = Redis.from_url(url, protocol=2, retry=Retry(ConstantBackoff(0.01), 1000))
    subscriber = redis.pubsub()
    await subscriber.psubscribe("qd:*")
    while True:
        message = await subscriber.get_message(timeout=None)
        if message and message["type"] == "pmessage":
            wire = text_frame(message["data"].partition(b"\n")[2])
            for transport in transports.get(message["channel"], ()):
                transport.write(wire)
