"""`GET /ws`: the handshake, the connections that are open, and their end when the server drains."""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal
from urllib.parse import parse_qsl

import anyio
import anyio.lowlevel
from starlette.types import Receive, Scope, Send

from protocol.errors import ERRORS, CloseCode, ErrorCode, Refused
from protocol.frames import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, PROTOCOL, Welcome, encode, timestamp
from protocol.ids import new_connection
from server.auth import Session
from server.auth.doorman import NOTICED, Doorman
from server.connection.asgi import AsgiOutlet
from server.connection.connection import Connection, Dispatch
from server.connection.policy import Policy
from server.hub import Hub
from server.outlet import BINARY_FRAMES, BINARY_MESSAGES, OUTLET, TEXT_FRAMES, TEXT_MESSAGES, Outlet
from server.policy import rights

#: In order of preference.
SUBPROTOCOLS = (MSGPACK_SUBPROTOCOL, JSON_SUBPROTOCOL)
#: After this many goodbyes the loop gets a turn.
TURN = 100
#: What people put tokens into, by habit: a URL is written to logs, and is no place for what lasts.
IN_NO_URL = frozenset(
    {"token", "access_token", "id_token", "auth", "authorization", "bearer", "jwt", "api_key", "apikey", "key"}
)
PLAIN = [(b"content-type", b"text/plain; charset=utf-8")]


class Endpoint:
    """An ASGI application for the socket's route.

    `crews` names the crews for `welcome`; `admit` raises `Refused` for a connection too many from where it comes, or of
    the principal that it names.
    """

    def __init__(
        self, hub: Hub, dispatch: Dispatch, policy: Policy, doorman: Doorman, *, crews: Callable[[], list[str]],
        admit: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self._hub = hub
        self._dispatch = dispatch
        self._policy = policy
        self._doorman = doorman
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
        if not self._policy.admits(headers.get(b"origin"), headers.get(b"host")):
            await _reject(scope, send, 403)
            return
        try:
            self._stay()
            session = await self._session(scope)
            self._stay()
        except Refused as refused:
            await _refuse(scope, send, refused)
        else:
            await self._accept(scope, receive, send, session)

    def _stay(self) -> None:
        """Raise `Refused` once the server leaves: nobody would take leave of who connects now."""
        if self.draining:
            raise Refused(ErrorCode.UNAVAILABLE, "The server is shutting down.", retry_after=1.0)

    async def _session(self, scope: Scope) -> Session | None:
        """Tell who connects, if that is known by now: by a ticket. Raises `Refused`."""
        given = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        if not self._doorman.required:
            return self._doorman.anybody()
        if not IN_NO_URL.isdisjoint(map(str.lower, given)):
            raise Refused(ErrorCode.BAD_FIELD, "No token belongs into a URL: send it in `auth`, or get a ticket.")
        return await self._doorman.redeem(given["ticket"]) if "ticket" in given else None

    async def mind_keys(self) -> None:
        """End the connections whose API key was revoked, until cancelled."""
        while True:
            await anyio.sleep(NOTICED)
            found = {connection: connection.identity.session for connection in self.connections}
            held = {connection: session.apikey for connection, session in found.items() if session and session.apikey}
            revoked = await self._doorman.revoked(set(held.values()))
            for connection, digest in held.items():
                if digest in revoked:
                    connection.end(CloseCode.AUTH_EXPIRED)

    async def _accept(self, scope: Scope, receive: Receive, send: Send, session: Session | None) -> None:
        offered = scope.get("subprotocols", [])
        chosen = next((name for name in SUBPROTOCOLS if name in offered), None)
        await send({"type": "websocket.accept", "subprotocol": chosen})
        binary = chosen == MSGPACK_SUBPROTOCOL
        outlet = scope.get("state", {}).get(OUTLET)
        if outlet is not None:
            outlet.encoding = BINARY_FRAMES if binary else TEXT_FRAMES
            await self._serve(outlet, receive, session, binary=binary, known=not offered or chosen is not None)
            return
        plain = AsgiOutlet()
        plain.encoding = BINARY_MESSAGES if binary else TEXT_MESSAGES
        async with anyio.create_task_group() as tasks:

            async def pump() -> None:
                await plain.pump(send)
                tasks.cancel_scope.cancel()

            tasks.start_soon(pump)
            await self._serve(plain, receive, session, binary=binary, known=not offered or chosen is not None)
            tasks.cancel_scope.cancel()

    async def _serve(
        self, outlet: Outlet, receive: Receive, session: Session | None, *, binary: bool, known: bool
    ) -> None:
        connection = Connection(
            new_connection(), outlet, session, binary=binary, hub=self._hub, dispatch=self._dispatch,
            policy=self._policy, doorman=self._doorman, admit=self._admit,
        )  # fmt: skip
        self.connections.add(connection)
        self.accepted += 1
        if not known:
            connection.end(CloseCode.UNSUPPORTED_PROTOCOL)
        elif wait := await self._too_many(session):
            connection.end(CloseCode.RATE_LIMITED, after=wait)
        else:
            outlet.send(encode(self._welcome(connection, session)))
        try:
            await connection.serve(receive)
        finally:
            self.connections.discard(connection)
            if self.draining and not self.connections:
                self._empty.set()

    async def _too_many(self, session: Session | None) -> float:
        """Tell how long to stay away, in seconds; who says later who it is, is counted then.

        A browser learns of it by a close code, not by an HTTP status.
        """
        known = session is not None and self._doorman.required
        try:
            if self._admit is not None:
                await self._admit(session.principal.subject if session and known else "")
        except Refused as refused:
            return refused.retry_after or 1.0
        return 0.0

    def _welcome(self, connection: Connection, session: Session | None) -> Welcome:
        asked: Literal["open", "required", "done"] = "done" if session else "required"
        return Welcome(
            protocol=PROTOCOL, connection=connection.ident, server_time=timestamp(time.time()),
            heartbeat=self._policy.heartbeat, auth=asked if self._doorman.required else "open",
            principal=None if session is None else session.principal.actor,
            rights=rights(session.principal) if session and self._doorman.required else None,
            limits=self._policy.limits, crews=self._crews() if session and session.principal.roles else [],
        )  # fmt: skip


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    """Refuse who connects, and say when to come again."""
    again = [] if refused.retry_after is None else [(b"retry-after", b"%d" % max(1, round(refused.retry_after)))]
    await _reject(scope, send, ERRORS[refused.code].status, refused.message, again)


async def _reject(
    scope: Scope, send: Send, status: int, reason: str = "", headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Refuse before the upgrade, with an HTTP status where the server can send one (403 otherwise)."""
    if status == 403 or "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.http.response.start", "status": status, "headers": [*PLAIN, *headers]})
    await send({"type": "websocket.http.response.body", "body": reason.encode()})
