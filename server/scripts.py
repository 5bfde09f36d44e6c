"""The Lua scripts, each with a typed signature, and the tables that are rendered into them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import NoScriptError

from protocol.events import EventType
from protocol.objects import State
from server.execution import CLAIMS, ENDS, FENCED, RELEASES, SETTLED, TRANSITIONS, Change, Verdict
from server.keys import ExecutionKeys

FOLDER = Path(__file__).parent / "lua"
INCLUDE, OUTBOX = '--- @include "transitions"\n', '--- @include "outbox"\n'
ABSENT = "absent"
SCRIPTS = ("commit", "delta", "page", "record", "view", "claim", "settle", "put", "subscribe")


def _set(names: Iterable[str]) -> str:
    return "{" + ", ".join(f"['{name}'] = true" for name in sorted(names)) + "}"


def _row(row: Mapping[EventType, State]) -> str:
    return "{" + ", ".join(f"['{event.value}'] = '{target.value}'" for event, target in row.items()) + "}"


def _claims() -> str:
    return "{" + ", ".join(f"['{state.value}'] = {_set(CLAIMS.get(state, ()))}" for state in State) + "}"


def transitions() -> str:
    """Render the state machine's tables as Lua."""
    rows = ", ".join(f"['{state.value if state else ABSENT}'] = {_row(row)}" for state, row in TRANSITIONS.items())
    return (
        f"local TRANSITIONS = {{{rows}}}\n"
        f"local CLAIMS, RELEASES = {_claims()}, {_set(RELEASES)}\n"
        f"local FENCED, ENDS = {_set(FENCED)}, {_set(ENDS)}\n"
        f"local ABSENT, WAITING = '{ABSENT}', '{State.WAITING}'\n"
        f"local SETTLED_OWNED, SETTLED_FREE = '{SETTLED[True]}', '{SETTLED[False]}'\n"
    )


@cache
def source(name: str) -> str:
    """Read a script and render the tables into it."""
    text = (FOLDER / f"{name}.lua").read_text().replace(INCLUDE, transitions())
    return text.replace(OUTBOX, (FOLDER / "outbox.lua").read_text())


@cache
def sha(name: str) -> str:
    """Name a script as the server does: by its SHA-1."""
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event to commit, with all that changes along with it."""

    event: EventType
    head: bytes
    tail: bytes
    now: int
    retention: int
    channel: str
    key: str = ""
    fence: int = 0
    number: int = 0
    owner: str = ""
    epoch: str = ""
    inbox: str = ""
    wake: str = ""
    change: Change | None = None
    record: bytes = b""
    step: str = ""
    value: bytes = b""
    outbox: str = ""
    fields: Mapping[str, str | bytes | int] = field(default_factory=dict)
    sums: Mapping[str, int] = field(default_factory=dict)

    def arguments(self) -> list[Any]:
        """Lay the entry out in the order of the script's ARGV."""
        change = self.change or Change("", "", "")
        return [
            self.event.value, self.key, self.fence, self.number, self.owner, self.epoch, self.head, self.tail, self.now,
            self.retention, "PUBLISH", self.channel, self.inbox, self.wake,
            change.checkpoint, change.expected, change.token, self.record, self.step, self.value,
            self.outbox, len(self.fields), *(part for pair in self.fields.items() for part in pair),
            *(part for pair in self.sums.items() for part in pair),
        ]  # fmt: skip


@dataclass(frozen=True)
class Commit:
    """What became of an entry, and where the execution stands after it."""

    verdict: Verdict
    offset: int
    state: State | None
    epoch: str
    owner: str

    @classmethod
    def read(cls, reply: list[Any]) -> "Commit":
        """Read the script's reply."""
        verdict, offset, state, epoch, owner = reply
        name = state.decode()
        return cls(
            Verdict(verdict.decode()), offset, None if name == ABSENT else State(name), epoch.decode(), owner.decode()
        )


@dataclass(frozen=True, kw_only=True)
class View:
    """A word on one viewer: `viewer` is its JSON, empty when it looks no longer. `patience` is in milliseconds."""

    prefix: str
    connection: str
    viewer: bytes
    patience: int
    most: int
    channel: str
    head: bytes
    tail: bytes

    def arguments(self) -> list[Any]:
        """Lay it out in the order of the script's ARGV."""
        return [
            self.prefix, self.connection, self.viewer, self.patience, self.most, "PUBLISH", self.channel, self.head,
            self.tail,
        ]  # fmt: skip


class Scripts:
    """The scripts on one Redis client. They are loaded together, so that a server has all of them or none."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def load(self) -> None:
        """Load all scripts; needed once, and after a server has lost them."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for name in SCRIPTS:
                pipeline.script_load(source(name))
            await pipeline.execute()

    async def commit(self, keys: ExecutionKeys, entry: Entry) -> Commit:
        """Append one event."""
        return Commit.read(await self._call("commit", keys, entry.arguments()))

    def queue_commit(self, pipeline: Pipeline, keys: ExecutionKeys, entry: Entry) -> None:
        """Add a commit to a pipeline; its reply is read with `Commit.read`.

        By hash alone: redis-py's own scripts ask whether they are loaded before every pipeline. See `load`.
        """
        pipeline.evalsha(sha("commit"), len(keys), *keys, *entry.arguments())

    def queue_delta(self, pipeline: Pipeline, keys: ExecutionKeys, fence: int, channel: str, frame: bytes) -> None:
        """Add a delta to a pipeline; its reply is 1 when it was pushed."""
        pipeline.evalsha(sha("delta"), 1, keys.state, str(fence), "PUBLISH", channel, frame)

    def queue_view(self, pipeline: Pipeline, name: str, view: "View") -> None:
        """Add a word on one viewer to a pipeline; its reply is 1 when there was room."""
        pipeline.evalsha(sha("view"), 1, name, *view.arguments())

    async def record(self, keys: ExecutionKeys, fence: int, step: str, value: bytes) -> bool:
        """Keep a journal entry; false when the writer lost the execution."""
        return bool(await self._call("record", [keys.state, keys.journal], [fence, step, value]))

    async def page(self, keys: ExecutionKeys, after: int, limit: int) -> list[Any] | None:
        """Read a part of the log: `[epoch, last, first, entries]`."""
        reply: list[Any] | None = await self._call("page", [keys.state, keys.log], [after, limit])
        return reply

    async def claim(self, outbox: str, arguments: Sequence[Any]) -> tuple[bool, list[bytes]]:
        """Take deliveries that are due; tell whether there may be more."""
        more, *taken = await self._call("claim", [outbox], arguments)
        return bool(more), taken

    async def settle(self, deliveries: str, arguments: Sequence[Any]) -> bool:
        """Keep what became of a delivery; false when its record was changed meanwhile."""
        return bool(await self._call("settle", [deliveries], arguments))

    async def put(self, outbox: str, arguments: Sequence[Any]) -> None:
        """Have a delivery due at another time, or never."""
        await self._call("put", [outbox], arguments)

    async def subscribe(self, state: str, arguments: Sequence[Any]) -> str:
        """Add webhooks; tell `added`, `ended` or `full`."""
        return str((await self._call("subscribe", [state], arguments)).decode())

    async def _call(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            return await self._redis.evalsha(sha(name), len(keys), *keys, *arguments)
        except NoScriptError:
            await self.load()
            return await self._redis.evalsha(sha(name), len(keys), *keys, *arguments)
