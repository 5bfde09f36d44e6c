"""The realtime edge without crews: outlets that remember, a server to connect to."""

import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio
import msgspec
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from protocol.ids import ExecutionId
from server.connection import Endpoint, Policy
from server.connection.identity import Admit
from server.hub import Hub
from server.outlet import Outlet
from server.pubsub import PubSub, Times
from server.settings import AuthSettings
from server.sockets import Server, configure
from tests.support.doors import doorman
from tests.support.edge_log import LogDispatch, RedisLog

Connecting = connect
QUICK = Times(probe=0.2, deaf=1.0, linger=0.2, confirm=5.0, connect=1.0, backoff=0.1, tick=0.05)


class Memory(Outlet):
    """An outlet that remembers what was written."""

    __slots__ = ("wires",)

    def __init__(self) -> None:
        self.wires: list[bytes] = []
        super().__init__(self.wires.append)

    def end(self, code: int, reason: str, last: bytes, grace: float) -> None:
        self.shut()

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(payload) for payload in unframe(b"".join(self.wires))]

    def offsets(self, execution: ExecutionId) -> list[int]:
        """The offsets of an execution's events, in the order in which they came."""
        return [f["offset"] for f in self.frames if "." in f["type"] and f["execution"] == execution]

    def kinds(self) -> list[str]:
        return [f["type"] for f in self.frames]


def unframe(data: bytes) -> Iterable[bytes]:
    """Take unmasked, unfragmented frames apart."""
    at = 0
    while at < len(data):
        size, at = data[at + 1], at + 2
        wide = {126: 2, 127: 8}.get(size, 0)
        size, at = (int.from_bytes(data[at : at + wide]) if wide else size), at + wide
        yield data[at : at + size]
        at += size


class Edge(NamedTuple):
    """A running edge."""

    redis: Redis
    log: RedisLog
    pubsub: PubSub
    hub: Hub


@asynccontextmanager
async def running_edge(redis: Redis, *, times: Times = QUICK) -> AsyncIterator[Edge]:
    """Run pub/sub and hub."""
    log = RedisLog(redis)
    pubsub = PubSub(redis, times=times)
    hub = Hub(pubsub, log)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pubsub.run)
        tasks.start_soon(hub.run)
        assert await pubsub.prove(10)
        yield Edge(redis, log, pubsub, hub)
        tasks.cancel_scope.cancel()


class Site(NamedTuple):
    """A running server."""

    edge: Edge
    endpoint: Endpoint
    dispatch: LogDispatch
    server: Server
    port: int

    def connect(self, **options: Any) -> connect:
        """Connect a client."""
        return self.connect_at("", **options)

    def connect_at(self, query: str, **options: Any) -> Connecting:
        """Connect a client with a query behind the address."""
        settings: dict[str, Any] = {"compression": None, "ping_interval": None, "max_size": None, "proxy": None}
        return connect(f"ws://127.0.0.1:{self.port}/ws{query}", **(settings | options))


@asynccontextmanager
async def running_site(
    redis: Redis, *, policy: Policy | None = None, auth: AuthSettings | None = None, admit: Admit | None = None,
    **uvicorn: Any,
) -> AsyncIterator[Site]:  # fmt: skip
    """Run the edge behind a real socket."""
    async with running_edge(redis) as edge:
        dispatch = LogDispatch(edge.log)
        endpoint = Endpoint(
            edge.hub, dispatch, policy or Policy(), doorman(redis, auth), crews=lambda: ["demo"], admit=admit
        )
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = Server(configure(endpoint, lifespan="off", **uvicorn), endpoint.drain)
        with listener:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.serve, [listener])
                try:
                    yield Site(edge, endpoint, dispatch, server, port)
                finally:
                    server.should_exit = True


async def receive(client: ClientConnection, kind: str | None = None, *, timeout: float = 10) -> dict[str, Any]:
    """The next frame, or the next of a kind."""
    with anyio.fail_after(timeout):
        while True:
            frame: dict[str, Any] = msgspec.json.decode(await client.recv())
            if kind is None or frame["type"] == kind:
                return frame


async def closed(client: ClientConnection) -> tuple[int, str]:
    """Read until the server has closed; its code and reason."""
    with anyio.fail_after(10):
        try:
            while True:
                await client.recv()
        except ConnectionClosed:
            assert client.close_code is not None
            return client.close_code, client.close_reason or ""
