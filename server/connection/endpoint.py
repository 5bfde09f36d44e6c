"""`GET /ws`: the handshake, the connections that are open, and their end when the server drains."""

import random
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
from starlette.types import Receive, Scope, Send

from protocol.errors import CloseCode, Refused
from protocol.frames import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, PROTOCOL, Welcome, encode, timestamp
from protocol.ids import new_connection
from server.auth import OPEN, Principal
from server.connection.asgi import AsgiOutlet
from server.connection.connection import Connection, Dispatch
from server.connection.policy import Policy
from server.hub import Hub
from server.outlet import BINARY_FRAMES, BINARY_MESSAGES, OUTLET, TEXT_FRAMES, TEXT_MESSAGES, Outlet

#: In order of preference.
SUBPROTOCOLS = (MSGPACK_SUBPROTOCOL, JSON_SUBPROTOCOL)
#: After this many goodbyes the loop gets a turn.
TURN = 100


class Endpoint:
    """An ASGI application for the socket's route.

    `crews` names the crews for `welcome`; `admit` raises `Refused` for a connection too many from where it comes.
    """

    def __init__(
        self, hub: Hub, dispatch: Dispatch, policy: Policy, *, crews: Callable[[], list[str]],
        admit: Callable[[], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self._hub = hub
        self._dispatch = dispatch
        self._policy = policy
        self._crews = crews
        self._admit = admit
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.draining = False
        self._empty = anyio.Event()

    def queue_bytes(self) -> int:
        """Count the bytes that wait for slow sockets."""
        return sum(connection.outlet.held for connection in self.connections)

    async def drain(self, *, spread: float = 2.0, limit: float = 8.0) -> None:
        """Refuse new connections and take leave of all, to come back over `spread` seconds; wait at most `limit`."""
        self.draining = True
        with anyio.move_on_after(limit):
            for number, connection in enumerate(list(self.connections)):
                connection.end(CloseCode.DRAINING, after=random.uniform(0, spread))
                if number % TURN == TURN - 1:
                    await anyio.lowlevel.checkpoint()
            if self.connections:
                await self._empty.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from its handshake to its end."""
        await receive()  # websocket.connect
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if self.draining:
            await _reject(scope, send, 503)
        elif not self._policy.admits(headers.get(b"origin"), headers.get(b"host")):
            await _reject(scope, send, 403)
        else:
            await self._accept(scope, receive, send)

    async def _accept(self, scope: Scope, receive: Receive, send: Send) -> None:
        offered = scope.get("subprotocols", [])
        chosen = next((name for name in SUBPROTOCOLS if name in offered), None)
        await send({"type": "websocket.accept", "subprotocol": chosen})
        binary = chosen == MSGPACK_SUBPROTOCOL
        outlet = scope.get("state", {}).get(OUTLET)
        if outlet is not None:
            outlet.encoding = BINARY_FRAMES if binary else TEXT_FRAMES
            await self._serve(outlet, receive, binary=binary, known=not offered or chosen is not None)
            return
        plain = AsgiOutlet()
        plain.encoding = BINARY_MESSAGES if binary else TEXT_MESSAGES
        async with anyio.create_task_group() as tasks:

            async def pump() -> None:
                await plain.pump(send)
                tasks.cancel_scope.cancel()

            tasks.start_soon(pump)
            await self._serve(plain, receive, binary=binary, known=not offered or chosen is not None)
            tasks.cancel_scope.cancel()

    async def _serve(self, outlet: Outlet, receive: Receive, *, binary: bool, known: bool) -> None:
        connection = Connection(
            new_connection(), outlet, OPEN, binary=binary, hub=self._hub, dispatch=self._dispatch, policy=self._policy
        )
        self.connections.add(connection)
        self.accepted += 1
        if not known:
            connection.end(CloseCode.UNSUPPORTED_PROTOCOL)
        elif wait := await self._too_many():
            connection.end(CloseCode.RATE_LIMITED, after=wait)
        else:
            outlet.send(encode(self._welcome(connection, OPEN)))
        try:
            await connection.serve(receive)
        finally:
            self.connections.discard(connection)
            if self.draining and not self.connections:
                self._empty.set()

    async def _too_many(self) -> float:
        """Tell how long to stay away, in seconds; a browser learns of it by a close code, not by an HTTP status."""
        try:
            if self._admit is not None:
                await self._admit()
        except Refused as refused:
            return refused.retry_after or 1.0
        return 0.0

    def _welcome(self, connection: Connection, principal: Principal) -> Welcome:
        return Welcome(
            protocol=PROTOCOL, connection=connection.ident, server_time=timestamp(time.time()),
            heartbeat=self._policy.heartbeat, auth="open", principal=principal.actor, limits=self._policy.limits,
            crews=self._crews(),
        )  # fmt: skip


async def _reject(scope: Scope, send: Send, status: int) -> None:
    """Refuse before the upgrade, with an HTTP status where the server can send one (403 otherwise)."""
    if status == 403 or "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})
