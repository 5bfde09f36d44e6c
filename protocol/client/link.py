"""One WebSocket that comes back: when to reconnect, who we are, farewells. Of commands it knows `auth` and `pong`."""

import inspect
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from protocol.client.comeback import STEADY, pause_after
from protocol.client.errors import CommandError, Disconnected, Unauthenticated
from protocol.client.reading import read
from protocol.commands import Auth, Command, Pong
from protocol.frames import JSON_SUBPROTOCOL, Bye, Error, Reply, ServerPing, Welcome

#: How long a connection may take until it stands, in seconds.
PATIENCE = 15.0
#: How long a farewell may take, in seconds.
FAREWELL = 2.0
#: Statuses of a handshake that asking again will not change.
FINAL = frozenset({401, 403, 404})
#: The id of `auth`; commands have numbers.
AUTH = "auth"

Token = Callable[[], str | Awaitable[str]]


class Link:
    """Keep a connection. `heard` gets every frame, `opened` runs whenever a connection stands, both on the loop."""

    def __init__(
        self, url: str, token: Token | None, heard: Callable[[Any], None], opened: Callable[[], Awaitable[None]]
    ) -> None:
        self.url = url
        self._token = token
        self._heard = heard
        self._opened = opened
        self._socket: ClientConnection | None = None
        self._bye: Bye | None = None
        self._since = 0.0

    @property
    def stands(self) -> bool:
        """Tell whether commands can be sent."""
        return self._since > 0

    async def send(self, command: Command) -> None:
        """Send a command now, or not at all: what must arrive is sent again when a connection stands."""
        if self.stands and self._socket is not None:  # nothing goes out before the server knows who we are
            try:
                await self._socket.send(msgspec.json.encode(command).decode())
            except ConnectionClosed:
                return

    async def run(self) -> None:
        """Connect, again and again, until cancelled; raises `Disconnected` when the server wants us no more."""
        attempt = 0
        while True:
            code, reason = await self._once()
            attempt = 0 if self._since and time.monotonic() - self._since > STEADY else attempt
            self._socket, self._since = None, 0.0
            pause = pause_after(code, self._bye, attempt, random.random)
            if pause is None:
                raise Disconnected(reason or f"The server closed the connection with {code}.")
            attempt += 1
            await anyio.sleep(pause)

    async def _once(self) -> tuple[int, str]:
        """Be connected once; give the code and the reason of its end."""
        self._bye = None
        try:
            socket = await connect(
                self.url, subprotocols=[Subprotocol(JSON_SUBPROTOCOL)], max_size=None, compression=None,
                open_timeout=PATIENCE,
            )  # fmt: skip
            try:
                self._socket = socket
                await self._live(socket)
            finally:
                await _close(socket)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        except InvalidStatus as refused:
            status = refused.response.status_code
            return (4003 if status in FINAL else 1006), f"The server answers the handshake with {status}."
        except CommandError as refused:
            if not refused.retry:
                raise Unauthenticated(str(refused)) from None
            return 4101, str(refused)
        except (InvalidHandshake, OSError, TimeoutError) as error:
            return 1006, str(error)
        return 1006, ""

    async def _live(self, socket: ClientConnection) -> None:
        with anyio.fail_after(PATIENCE):
            welcome = read(await socket.recv())
            if isinstance(welcome, Welcome) and welcome.auth == "required":
                await self._introduce(socket)
        self._since = time.monotonic()
        await self._opened()
        async for message in socket:
            await self._take(read(message))

    async def _take(self, frame: Any) -> None:
        if isinstance(frame, ServerPing):
            await self.send(Pong())
        elif isinstance(frame, Bye):
            self._bye = frame
        elif frame is not None:
            self._heard(frame)

    async def _introduce(self, socket: ClientConnection) -> None:
        if self._token is None:
            raise Unauthenticated("This server asks who you are.")
        token = self._token()
        secret = await token if inspect.isawaitable(token) else token
        await socket.send(msgspec.json.encode(Auth(id=AUTH, token=secret)).decode())
        while not isinstance(answer := read(await socket.recv()), Reply | Error):
            pass
        if isinstance(answer, Error):
            raise CommandError(answer)


async def _close(socket: ClientConnection) -> None:
    """Take leave, but not for long; also when we are being cancelled."""
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(FAREWELL):
            await socket.close()
        socket.transport.abort()
