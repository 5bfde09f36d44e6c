"""Logs for the realtime edge without crews: tests append to them, and a dispatch carries out just enough."""

from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from protocol.commands import AnyCommand, Start, View
from protocol.errors import ErrorCode, Refused
from protocol.frames import Presence, Snapshot
from protocol.ids import ConnectionId, ExecutionId
from protocol.objects import Checkpoint, Execution, Progress, State, Usage
from server import keys
from server.auth import Principal
from server.recovery import Page
from server.scripts import source

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
        self._page = redis.register_script(source("page"))

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
