"""A WebSocket client that remembers every frame, and one that comes back after every lost connection."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Self

import anyio
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from protocol.frames import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL

Frame = dict[str, Any]
#: No test waits longer for one frame, in seconds.
LIMIT = 30.0
ENDS = {"execution.completed", "execution.failed", "execution.stopped", "execution.cancelled"}


class Refusal(Exception):
    """Raised when a command is refused."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"{frame['code']}: {frame['message']}")
        self.frame = frame


def is_event(frame: Frame) -> bool:
    return "." in frame["type"]


class Client:
    """One connection. `raw` holds every message as it came, `frames` what it says."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.raw: list[str | bytes] = []
        self.frames: list[Frame] = []
        self._ids = count(1)

    @property
    def binary(self) -> bool:
        return self.socket.subprotocol == MSGPACK_SUBPROTOCOL

    async def receive(self) -> Frame:
        """Read one frame; a `ping` is answered."""
        with anyio.fail_after(LIMIT):
            message = await self.socket.recv()
        frame: Frame = msgspec.msgpack.decode(message) if isinstance(message, bytes) else json.loads(message)
        self.raw.append(message)
        self.frames.append(frame)
        if frame["type"] == "ping":
            await self.send({"type": "pong"})
        return frame

    async def send(self, frame: Frame) -> None:
        """Send one frame."""
        await self.socket.send(msgspec.msgpack.encode(frame) if self.binary else json.dumps(frame))

    async def command(self, type_: str, **fields: Any) -> Any:
        """Give a command and wait for its answer: the reply's data, or `Refusal`."""
        answer = await self.answer({"type": type_, "id": next(self._ids), **fields})
        if answer["type"] == "error":
            raise Refusal(answer)
        return answer["data"]

    async def answer(self, frame: Frame) -> Frame:
        """Send a frame that carries an id, and wait for what answers it."""
        known = len(self.frames)
        await self.send(frame)
        return await self.until(lambda f: f["type"] in ("reply", "error") and f.get("re") == frame["id"], known)

    async def refused(self, type_: str, **fields: Any) -> Frame:
        """Give a command that must be refused, and give the error."""
        try:
            data = await self.command(type_, **fields)
        except Refusal as refusal:
            return refusal.frame
        raise AssertionError(f"not refused: {data}")

    async def until(self, fits: Callable[[Frame], bool], known: int = 0) -> Frame:
        """Give the first frame that fits, received already (from number `known` on) or yet to come."""
        for frame in self.frames[known:]:
            if fits(frame):
                return frame
        while not fits(frame := await self.receive()):
            pass
        return frame

    async def find(self, type_: str, execution: str, **data: Any) -> Frame:
        """Wait for an event with these fields in its data; of a checkpoint, with these fields in it."""

        def fits(frame: Frame) -> bool:
            if frame["type"] != type_ or frame.get("execution") != execution:
                return False
            opened: Frame = frame["data"]["checkpoint"] if type_ == "checkpoint.opened" else frame["data"]
            return data.items() <= opened.items()

        return await self.until(fits)

    async def question(self, execution: str, name: str, version: int = 1) -> Frame:
        """Wait for a checkpoint to open, and give it."""
        event = await self.find("checkpoint.opened", execution, name=name, version=version)
        checkpoint: Frame = event["data"]["checkpoint"]
        return checkpoint

    async def decide(self, checkpoint: Frame, action: str, **fields: Any) -> Any:
        """Answer a checkpoint as it was shown."""
        return await self.command("decide", **answer_to(checkpoint, action, **fields))

    async def end(self, execution: str) -> Frame:
        """Wait for the event that ends an execution."""
        return await self.until(lambda f: f["type"] in ENDS and f["execution"] == execution)

    async def end_seen(self, execution: str, met: Frame) -> None:
        """Wait for the end of an execution of which another connection met an event, which may have been its last."""
        if met["type"] not in ENDS:
            await self.end(execution)

    async def closed(self) -> tuple[int, str]:
        """Read until the server closes the connection; give its code and reason."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")

    def cut(self) -> None:
        """Lose the connection, without a word."""
        self.socket.transport.abort()

    def events(self, execution: str) -> list[Frame]:
        """The events of an execution that came so far."""
        return [frame for frame in self.frames if is_event(frame) and frame["execution"] == execution]

    def transcript(self, execution: str) -> list[str | bytes]:
        """The same as they came."""
        pairs = zip(self.raw, self.frames, strict=True)
        return [raw for raw, frame in pairs if is_event(frame) and frame["execution"] == execution]


def answer_to(checkpoint: Frame, action: str, **fields: Any) -> Frame:
    """Write the fields of a decision."""
    named = {"execution": checkpoint["execution"], "checkpoint": checkpoint["id"], "version": checkpoint["version"]}
    return {**named, "action": action, **fields}


def position(event: Frame) -> Frame:
    """Write where an event stands, for `watch`."""
    return {"epoch": event["epoch"], "offset": event["offset"]}


@asynccontextmanager
async def connected(port: int, *, binary: bool = False, query: str = "", **options: Any) -> AsyncIterator[Client]:
    """Connect, and read the welcome."""
    chosen = Subprotocol(MSGPACK_SUBPROTOCOL if binary else JSON_SUBPROTOCOL)
    settings: dict[str, Any] = {"compression": None, "ping_interval": None, "max_size": None, "max_queue": None}
    url = f"ws://127.0.0.1:{port}/ws{query}"
    async with connect(url, subprotocols=[chosen], proxy=None, **(settings | options)) as socket:
        client = Client(socket)
        assert (await client.receive())["type"] == "welcome"
        yield client


class Follower:
    """A client as a careful program is one: after every lost connection it comes back with its position.

    `transcript` holds the events of one execution as they came over all its connections.
    """

    def __init__(self, port: int, execution: str) -> None:
        self.port = port
        self.execution = execution
        self.transcript: list[bytes] = []
        self.events: list[Frame] = []
        self.losses = 0
        self.ended = anyio.Event()

    async def run(self) -> None:
        """Follow until the execution ends."""
        while not self.ended.is_set():
            try:
                async with connected(self.port) as client:
                    await self._follow(client)
            except Refusal as refusal:
                if not refusal.frame["retry"]:
                    raise
                await anyio.sleep(refusal.frame["retry_after"])
            except (ConnectionClosed, InvalidHandshake, OSError):
                self.losses += 1

    async def _follow(self, client: Client) -> None:
        after = {"after": position(self.events[-1])} if self.events else {}
        reply = await client.command("watch", execution=self.execution, **after)
        assert reply["recovered"], "its position was lost"
        for number in range(len(client.frames)):
            self._take(client.raw[number], client.frames[number])
        while not self.ended.is_set():
            frame = await client.receive()
            self._take(client.raw[-1], frame)

    def _take(self, raw: str | bytes, frame: Frame) -> None:
        assert frame["type"] != "snapshot", "its position was lost"
        if is_event(frame) and frame["execution"] == self.execution:
            self.transcript.append(raw.encode() if isinstance(raw, str) else raw)
            self.events.append(frame)
        if frame["type"] in ENDS:
            self.ended.set()

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self.run)
        return self

    async def __aexit__(self, *error: Any) -> bool | None:
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(*error)
