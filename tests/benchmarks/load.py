"""The clients and the publisher, in a process of their own: `python -m tests.benchmarks.load` with a plan on stdin.

The sockets count bytes, for all events have the same size; a few of them read every frame for its time and number.
"""

import asyncio
import base64
import json
import os
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import cast

import psutil
import uvloop
from redis.asyncio import Redis

from protocol.ids import ExecutionId
from server import keys
from tests.support.edge_log import RedisLog
from tests.support.raw import masked

#: Bytes of one event's JSON frame, as a client sees it.
SIZE = 405
WIRE = SIZE + 4
#: So many sockets read every frame.
READERS = 20
PATIENCE = 60.0


@dataclass
class Plan:
    """What to do: `rate` messages a second (0: as many as `window` outstanding ones allow), `count` in all."""

    server: str
    pid: int
    redis: str
    socket: str
    channels: int
    sockets: int
    count: int
    rate: float = 0
    window: int = 32
    kill: str = ""


@dataclass
class Result:
    """What came of it. Times in seconds, latencies in milliseconds, CPU in microseconds of the server per delivery."""

    seconds: float = 0
    deliveries: int = 0
    cpu: float = 0
    p50: float = 0
    p99: float = 0
    kilobytes: float = 0
    lost: int = 0
    doubled: int = 0
    misordered: int = 0
    seen: list[int] = field(default_factory=list)


def execution(number: int) -> ExecutionId:
    return ExecutionId(f"x_{number}")


def event(channel: int, offset: int) -> bytes:
    """An event of exactly `SIZE` bytes that carries its time."""
    head = b'{"type":"journal.missed","execution":"x_%d","epoch":"e1","offset":%d,"at":"2026-11-23T08:00:00.000Z",' % (
        channel, offset,
    )  # fmt: skip
    head += b'"data":{"t":%d,"step":"' % time.monotonic_ns()
    return head + b"s" * (SIZE - len(head) - 3) + b'"}}'


class Client(asyncio.Protocol):
    """One socket. `reader`: it reads every frame instead of counting bytes."""

    received = 0
    times: list[int] = []  # noqa: RUF012 - all clients count together

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan = plan
        self.channel = number % plan.channels
        self.reader = number % max(1, plan.sockets // READERS) == 0
        self.buffer = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.numbers: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        channel = keys.channel(keys.OPEN_TENANT, execution(self.channel))
        self.transport.write(
            f"GET /ws?{channel} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            self.prepare(data)
        elif self.reader:
            self.read(data)
        else:
            Client.received += len(data)

    def prepare(self, data: bytes) -> None:
        """Shake hands, and where the server wants it watch the execution."""
        self.buffer += data
        if b"\r\n\r\n" not in self.buffer:
            return
        assert self.buffer.startswith(b"HTTP/1.1 101"), self.buffer[:200]
        if self.plan.server == "ceiling":
            self.done()
        elif b'"welcome"' in self.buffer and b'"sent"' not in self.buffer:
            self.buffer += b'"sent"'
            command = b'{"type":"watch","execution":"%b"}' % execution(self.channel).encode()
            self.transport.write(masked(command))
        elif b'"synced"' in self.buffer and self.buffer.endswith(b"}"):
            self.done()

    def done(self) -> None:
        self.buffer = b""
        self.ready.set_result(None)

    def read(self, data: bytes) -> None:
        """Note each frame's number and how long it was on its way."""
        now = time.monotonic_ns()
        self.buffer += data
        whole = len(self.buffer) // WIRE * WIRE
        for at in range(0, whole, WIRE):
            frame = json.loads(self.buffer[at + 4 : at + WIRE])
            self.numbers.append(frame["offset"])
            Client.times.append(now - frame["data"]["t"])
        Client.received += whole
        self.buffer = self.buffer[whole:]


class Run:
    """One measurement."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.server = psutil.Process(plan.pid)
        self.redis = Redis.from_url(plan.redis)
        self.log = RedisLog(self.redis)
        self.offsets = [0] * plan.channels
        self.clients: list[Client] = []

    async def prepare(self) -> None:
        """Make the executions and connect."""
        for number in range(self.plan.channels):
            await self.redis.hset(keys.execution(keys.OPEN_TENANT, execution(number)).state, "epoch", "e1")
            await self.redis.hset(keys.execution(keys.OPEN_TENANT, execution(number)).state, "offset", 0)
        loop = asyncio.get_running_loop()
        for first in range(0, self.plan.sockets, 50):
            batch = range(first, min(first + 50, self.plan.sockets))
            made = [loop.create_unix_connection(partial(Client, self.plan, n), self.plan.socket) for n in batch]
            clients = [client for _, client in await asyncio.gather(*made)]
            await asyncio.wait_for(asyncio.gather(*(client.ready for client in clients)), 30)
            self.clients += clients

    async def measure(self) -> Result:
        """Connect, publish, and wait until all has arrived or nothing more does."""
        resident = self.server.memory_info().rss
        await self.prepare()
        await asyncio.sleep(0.3)
        result = Result(kilobytes=(self.server.memory_info().rss - resident) / 1024 / self.plan.sockets)
        before, begin = self.cpu(), time.monotonic()
        killer = asyncio.ensure_future(self.disturb())
        await self.publish()
        await self.settle()
        result.seconds = time.monotonic() - begin
        result.deliveries = Client.received // WIRE
        result.cpu = (self.cpu() - before) / max(1, result.deliveries) * 1e6
        killer.cancel()
        self.judge(result)
        await self.redis.aclose()
        return result

    def cpu(self) -> float:
        times = self.server.cpu_times()
        return times.user + times.system

    @property
    def fan(self) -> int:
        """How many sockets get each message."""
        return self.plan.sockets // self.plan.channels

    async def publish(self) -> None:
        plan, begin, sent = self.plan, time.monotonic(), 0
        while sent < plan.count:
            if plan.rate:
                due = min(plan.count, int((time.monotonic() - begin) * plan.rate) + 1)
            else:
                due = min(plan.count, Client.received // WIRE // self.fan + plan.window)
            if due > sent:
                await self.send(sent, due)
                sent = due
            else:
                await asyncio.sleep(0.001 if plan.rate else 0)

    async def send(self, first: int, end: int) -> None:
        pipeline = self.redis.pipeline(transaction=False)
        for number in range(first, end):
            channel = number % self.plan.channels
            self.offsets[channel] += 1
            name = keys.channel(keys.OPEN_TENANT, execution(channel))
            frame = event(channel, self.offsets[channel])
            if self.plan.kill:
                await self.log._append(
                    keys=list(keys.execution(keys.OPEN_TENANT, execution(channel))[:2]),
                    args=[frame, "e1", 600, name, ""], client=pipeline,
                )  # fmt: skip
            else:
                pipeline.publish(name, b"%d e1\n" % self.offsets[channel] + frame)
        await pipeline.execute()

    async def settle(self) -> None:
        """Wait until all has arrived, or for some seconds in which nothing did."""
        want, seen, since = self.plan.count * self.fan * WIRE, -1, time.monotonic()
        while Client.received < want and time.monotonic() - since < 4:
            if Client.received != seen:
                seen, since = Client.received, time.monotonic()
            await asyncio.sleep(0.005)

    async def disturb(self) -> None:
        """Kill the subscriber's connection once, or again and again for a second."""
        if not self.plan.kill:
            return
        await asyncio.sleep(1)
        admin = Redis.from_url(self.plan.redis)
        end = time.monotonic() + (1 if self.plan.kill == "second" else 0)
        while True:
            await admin.client_kill_filter(_type="pubsub")
            if time.monotonic() >= end:
                break
            await asyncio.sleep(random.uniform(0.001, 0.01))
        await admin.aclose()

    def judge(self, result: Result) -> None:
        times = sorted(Client.times)
        if times:
            result.p50, result.p99 = times[len(times) // 2] / 1e6, times[int(len(times) * 0.99)] / 1e6
        for client in (client for client in self.clients if client.reader):
            expected = self.offsets[client.channel]
            result.lost += len(set(range(1, expected + 1)) - set(client.numbers))
            result.doubled += len(client.numbers) - len(set(client.numbers))
            result.misordered += sum(a > b for a, b in zip(client.numbers, client.numbers[1:], strict=False))


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(Run(Plan(**json.load(sys.stdin))).measure()))))
