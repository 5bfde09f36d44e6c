"""The realtime edge without crews: a log that tests append to, outlets that remember, a server to connect to."""

import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio
import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from protocol.commands import AnyCommand, Start, View
from protocol.errors import ErrorCode, Refused
from protocol.frames import Presence, Snapshot
from protocol.ids import ConnectionId, ExecutionId
from protocol.objects import Checkpoint, Execution, Progress, State, Usage
from server import keys
from server.auth import Principal
from server.connection import Endpoint, Policy
from server.connection.identity import Admit
from server.hub import Hub
from server.outlet import TEXT_FRAMES, Outlet
from server.pubsub import PubSub, Times
from server.recovery import Page
from server.settings import AuthSettings
from server.sockets import Server, configure
from tests.support.doors import doorman

Connecting = connect
QUICK = Times(probe=0.2, deaf=1.0, linger=0.2, confirm=5.0, connect=1.0, backoff=0.1, tick=0.05)
TTL = 600
APPEND = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then epoch = ARGV[2]; redis.call('HSET', KEYS[1], 'epoch', epoch) end
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
local frame = string.gsub(string.gsub(ARGV[1], 'EPOCH', epoch), 'OFFSET', offset)
redis.call('XADD', KEYS[2], offset .. '-0', 'f', frame)
redis.call('EXPIRE', KEYS[1], ARGV[3]); redis.call('EXPIRE', KEYS[2], ARGV[3])
if ARGV[4] == '' then return 0 end
if ARGV[5] ~= '' then redis.call('PUBLISH', ARGV[5], offset .. ' ' .. epoch .. '\\n' .. frame) end
return redis.call('PUBLISH', ARGV[4], offset .. ' ' .. epoch .. '\\n' .. frame)
"""
PAGE = """
local row = redis.call('HMGET', KEYS[1], 'epoch', 'offset')
if not row[1] then return false end
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local first = oldest[1] and string.match(oldest[1][1], '^%d+') or row[2] + 1
local entries = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])
return {row[1], tonumber(row[2]), tonumber(first), entries}
"""


def event_template(
    execution: ExecutionId, kind: str = "journal.missed", data: str = '{"step":"s","reason":"r"}'
) -> bytes:
    """An event's frame with holes for epoch and offset."""
    head = f'{{"type":"{kind}","execution":"{execution}","epoch":"EPOCH","offset":OFFSET'
    return f'{head},"at":"2026-11-23T08:00:00.000Z","data":{data}}}'.encode()


class RedisLog:
    """Logs as the realtime edge reads them, all of one tenant, and a way to append to them."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.open: list[Checkpoint] = []
        self._append = redis.register_script(APPEND)
        self._page = redis.register_script(PAGE)

    def of(self, tenant: str) -> "RedisLog":
        assert tenant == keys.OPEN_TENANT
        return self

    def _arguments(self, execution: ExecutionId, frame: bytes, epoch: str, inbox: bool) -> dict[str, Any]:
        names = keys.execution(keys.OPEN_TENANT, execution)
        channel = keys.channel(keys.OPEN_TENANT, execution)
        listed = keys.inbox(keys.OPEN_TENANT) if inbox else ""
        return {"keys": [names.state, names.log], "args": [frame, epoch, TTL, channel, listed]}

    async def append(
        self,
        execution: ExecutionId,
        frame: bytes | None = None,
        *,
        epoch: str = "e1",
        inbox: bool = False,
        quiet: bool = False,
    ) -> int:
        """Append one event; the number of processes that heard it. `quiet`: tell nobody."""
        arguments = self._arguments(execution, frame or event_template(execution), epoch, inbox)
        if quiet:
            arguments["args"][3] = ""
        heard: int = await self._append(**arguments)
        return heard

    async def append_many(self, execution: ExecutionId, count: int, *, epoch: str = "e1") -> None:
        """Append several events in one pipeline."""
        pipeline: Pipeline = self.redis.pipeline(transaction=False)
        for _ in range(count):
            await self._append(**self._arguments(execution, event_template(execution), epoch, False), client=pipeline)
        await pipeline.execute()

    async def trim(self, execution: ExecutionId, first: int) -> None:
        """Lose what is before `first`."""
        await self.redis.xtrim(keys.execution(keys.OPEN_TENANT, execution).log, minid=f"{first}-0", approximate=False)

    async def forget(self, execution: ExecutionId) -> None:
        """Lose everything; the next event begins another epoch."""
        names = keys.execution(keys.OPEN_TENANT, execution)
        await self.redis.delete(names.state, names.log)

    async def page(self, execution: ExecutionId, after: int, limit: int = 300) -> Page | None:
        names = keys.execution(keys.OPEN_TENANT, execution)
        reply = await self._page(keys=[names.state, names.log], args=[after, limit])
        if reply is None:
            return None
        epoch, last, first, entries = reply
        return Page(epoch.decode(), first, last, [(int(i.partition(b"-")[0]), fields[1]) for i, fields in entries])

    async def snapshot(self, execution: ExecutionId) -> Snapshot | None:
        page = await self.page(execution, 0, 1)
        if page is None:
            return None
        whole = Execution(
            id=execution, crew="c", title="t", state=State.RUNNING, inputs={}, checkpoints=[], attempt=1,
            created_at="2026-11-23T08:00:00.000Z", epoch=page.epoch, offset=page.last, progress=Progress(), tasks=[],
            usage=Usage(), waited=0,
        )  # fmt: skip
        return Snapshot(execution=whole, checkpoints=[], epoch=page.epoch, offset=page.last)

    async def open_checkpoints(self, execution: ExecutionId) -> list[Checkpoint]:
        return [c for c in self.open if c.execution == execution]

    async def inbox(self) -> list[Checkpoint]:
        await self.redis.ping()
        return list(self.open)

    async def viewers(self, execution: ExecutionId) -> list[Presence]:
        await self.redis.ping()
        return []


class Seen(NamedTuple):
    """What a watcher is told at first."""

    state: State
    checkpoints: list[Checkpoint]


class LogDispatch:
    """Carries out just enough to test connections: `start` appends to the log, `get` fails, the rest is refused."""

    def __init__(self, log: RedisLog) -> None:
        self.log = log
        self.handled: list[AnyCommand] = []
        #: As whom, each once.
        self.principals: list[Principal] = []
        self.left: list[ConnectionId] = []

    async def handle(self, command: AnyCommand, principal: Principal) -> dict[str, Any]:
        await self.permit(command, principal)
        self.handled.append(command)
        if isinstance(command, Start):
            execution = ExecutionId(f"x_{command.crew}")
            await self.log.append(execution)
            return {"execution": execution, "epoch": "e1", "offset": 1}
        raise Refused(ErrorCode.UNKNOWN_CREW, "No such crew.", crew="none")

    async def permit(self, command: AnyCommand, principal: Principal) -> None:
        if principal not in self.principals:
            self.principals.append(principal)

    async def watchable(self, execution: ExecutionId, principal: Principal) -> Seen:
        if not await self.log.page(execution, 0, 1):
            raise Refused(ErrorCode.NOT_FOUND, "There is no such execution.")
        return Seen(State.RUNNING, await self.log.open_checkpoints(execution))

    async def look(self, command: View, principal: Principal, connection: ConnectionId) -> None:
        self.handled.append(command)

    def leave(self, connection: ConnectionId) -> None:
        self.left.append(connection)


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


__all__ = ["TEXT_FRAMES", "Edge", "LogDispatch", "Memory", "RedisLog", "Site", "closed",
    "event_template", "receive",
           "running_edge", "running_site", "unframe"]  # fmt: skip
