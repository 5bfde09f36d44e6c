"""The subscriber connection: it is kept, proved, replaced, and every gap in it is told."""

import asyncio
import logging
import math
import random
from collections import deque
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import anyio
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from server.pubsub.probe import Probe
from server.pubsub.subscription import Listener, Subscription
from server.store.client import OUTAGE

log = logging.getLogger(__name__)

#: So many channels go into one command.
BATCH = 512
Verb = Literal[b"subscribe", b"unsubscribe"]

Request = tuple[Verb, Subscription]


@dataclass(frozen=True)
class Times:
    """How long each wait may be, in seconds."""

    probe: float = 3.0
    deaf: float = 10.0
    linger: float = 8.0
    confirm: float = 5.0
    connect: float = 3.0
    backoff: float = 1.0
    tick: float = 0.5


class Deaf(ConnectionError):
    """Raised when nothing was heard on the connection for too long."""


class PubSub:
    """The process's subscriptions. `run` keeps them; the other methods may be called before and during outages."""

    def __init__(self, redis: Redis, *, times: Times | None = None) -> None:
        self._redis = redis
        self._times = times or Times()
        self._probe = Probe()
        self._subscriptions: dict[bytes, Subscription] = {}
        #: What is yet to be sent, and what was sent and not confirmed; the server answers in order.
        self._outbox: list[Request] = []
        self._expected: deque[Request] = deque()
        self._wake = asyncio.Event()
        self._heard = -math.inf
        self._own = self._use(self._probe.channel, self._probe)
        self.messages = 0
        self.reconnects = 0

    @property
    def channels(self) -> int:
        """How many channels are subscribed."""
        return len(self._subscriptions)

    def age(self) -> float:
        """Tell how long ago something was heard from Redis, in seconds; infinite before the first word."""
        return asyncio.get_running_loop().time() - self._heard

    async def subscribe(self, channel: str, listener: Listener) -> None:
        """Hear a channel; return once the server has confirmed it.

        Each call counts one user, to be taken back with `release`. Raises TimeoutError when Redis does not confirm.
        """
        subscription = self._use(channel, listener)
        try:
            with anyio.fail_after(self._times.confirm):
                await subscription.wait()
        except BaseException:
            self.release(channel)
            raise

    def _use(self, channel: str, listener: Listener) -> Subscription:
        name = channel.encode()
        subscription = self._subscriptions.get(name)
        if subscription is None:
            subscription = self._subscriptions[name] = Subscription(name, listener)
            self._send(b"subscribe", subscription)
        elif subscription.listener is not listener:
            raise ValueError(f"{channel} has another listener")
        subscription.users += 1
        return subscription

    def release(self, channel: str) -> None:
        """Take back one `subscribe`. The channel stays subscribed for a while: a page that is reloaded comes back."""
        subscription = self._subscriptions[channel.encode()]
        subscription.users -= 1
        if not subscription.users:
            subscription.idle = asyncio.get_running_loop().time()

    async def prove(self, timeout: float) -> bool:
        """Publish a word and wait to hear it: the way through Redis, and back on the subscription, works."""
        try:
            with anyio.fail_after(timeout):
                await self._own.wait()
                await self._probe.prove(self._redis)
        except OUTAGE:
            return False
        return True

    async def run(self) -> None:
        """Stay connected until cancelled."""
        failures = 0
        while True:
            connection = self._connection()
            try:
                await self._connect(connection)
                failures = 0
                await self._stay(connection)
            except* OUTAGE as lost:
                failures += 1
                log.warning("subscription lost: %s", _reason(lost))
            finally:
                self._forget_session()
                with anyio.CancelScope(shield=True):
                    await _disconnect(connection)
            self.reconnects += 1
            await asyncio.sleep(random.uniform(0.5, 1) * min(self._times.backoff, 0.05 * 2 ** min(failures, 10)))

    def _connection(self) -> AbstractConnection:
        pool = self._redis.connection_pool
        ours: dict[str, Any] = {
            "protocol": 2,  # a message costs a third less to parse than in RESP3
            "retry": Retry(NoBackoff(), 0),  # a silent reconnect would hide the gap
            "socket_timeout": self._times.connect,
            "socket_connect_timeout": self._times.connect,
            "health_check_interval": 0,  # its pings are sent, but nobody waits for the answer
            "decode_responses": False,
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
            "maint_notifications_pool_handler": None,
        }
        connection: AbstractConnection = pool.connection_class(**(pool.connection_kwargs | ours))
        return connection

    async def _connect(self, connection: AbstractConnection) -> None:
        with anyio.fail_after(self._times.connect):
            await connection.connect()  # type: ignore[no-untyped-call]
        self._hear()
        self._outbox = [(b"subscribe", subscription) for subscription in self._subscriptions.values()]
        self._wake.set()

    async def _stay(self, connection: AbstractConnection) -> None:
        async with anyio.create_task_group() as parts:
            parts.start_soon(self._read, connection)
            parts.start_soon(self._write, connection)
            parts.start_soon(self._tick)
            parts.start_soon(self._keep_probing)

    def _forget_session(self) -> None:
        self._expected.clear()
        self._outbox.clear()
        for subscription in self._subscriptions.values():
            subscription.confirmed = False

    def _hear(self) -> None:
        self._heard = asyncio.get_running_loop().time()

    # Reading

    async def _read(self, connection: AbstractConnection) -> None:
        read, subscriptions = connection.read_response, self._subscriptions
        while True:
            kind, name, data = await read(timeout=math.inf, disconnect_on_error=False)
            self._hear()
            subscription = subscriptions.get(name)
            if kind == b"message":
                self.messages += 1
                if subscription is not None:
                    self._deliver(subscription, data)
            else:
                self._confirmed(kind, name, subscription)

    def _deliver(self, subscription: Subscription, payload: bytes) -> None:
        try:
            subscription.deliver(payload)
        except Exception:
            log.exception("a message on %r could not be delivered", subscription.name)
            subscription.listener.missed()

    def _confirmed(self, kind: bytes, name: bytes, current: Subscription | None) -> None:
        subscription = current
        if self._expected and self._expected[0][0] == kind and self._expected[0][1].name == name:
            subscription = self._expected.popleft()[1]
        else:
            log.warning("unexpected %r of %r", kind, name)
        if kind == b"subscribe" and current is not None and subscription is current:
            current.confirm()

    # Writing

    def _send(self, verb: Verb, subscription: Subscription) -> None:
        self._outbox.append((verb, subscription))
        self._wake.set()

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            outbox, self._outbox = self._outbox, []
            for verb, group in groupby(outbox, key=lambda item: item[0]):
                requests = list(group)
                for start in range(0, len(requests), BATCH):
                    batch = requests[start : start + BATCH]
                    self._expected.extend(batch)
                    await connection.send_command(verb, *(subscription.name for _, subscription in batch))

    # The clock

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._times.tick)
            if self.age() > self._times.deaf:
                raise Deaf(f"nothing heard for {self._times.deaf} s")
            self._drop_idle()

    def _drop_idle(self) -> None:
        before = asyncio.get_running_loop().time() - self._times.linger
        idle = [s for s in self._subscriptions.values() if not s.users and s.idle <= before]
        for subscription in idle:
            del self._subscriptions[subscription.name]
            self._send(b"unsubscribe", subscription)
            subscription.listener.dropped()

    async def _keep_probing(self) -> None:
        while True:
            with anyio.move_on_after(self._times.probe):
                try:
                    heard = await self._redis.publish(self._probe.channel, b"")
                    if not heard and self._own.confirmed:
                        raise Deaf("the server that takes commands is not the one that is heard")
                except Deaf:
                    raise
                except OUTAGE as error:
                    log.debug("the probe could not be published: %s", error)
            await asyncio.sleep(self._times.probe)


async def _disconnect(connection: AbstractConnection) -> None:
    try:
        await connection.disconnect(nowait=True)
    except OUTAGE as error:
        log.debug("while disconnecting: %s", error)


def _reason(group: BaseExceptionGroup[BaseException]) -> str:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return f"{type(first).__name__}: {first}"
