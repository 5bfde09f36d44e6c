"""Delivering: takes the calls that are due, makes them, and keeps what became of each. One in every worker.

A call that a worker died with is made again by another, with the same id: at least once, and a receiver can tell. The
order is that of the events as a rule, and is not promised: a call that failed comes later than those behind it.
"""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import anyio
import structlog
from anyio.abc import TaskGroup
from msgspec import UNSET

from protocol.events import ToolCompleted, ToolFailed, ToolStarted
from protocol.frames import decode_event
from server import telemetry
from server.store import Claim, Outbox
from server.store.client import OUTAGE
from server.store.outbox import Parcel
from server.webhooks import platform, records, signing
from server.webhooks.formats import FORMATS, SLACK, Notice
from server.webhooks.records import Outcome, Record
from server.webhooks.sender import Sender
from server.webhooks.subscriptions import Endpoint, Subscriptions

#: Calls under way at once in one worker. A slow receiver gets a share of them, and holds up nobody else.
MOST = 128
#: Who is not woken looks this often, in seconds.
EVERY = 1.0
#: A delivery is its worker's for so long behind the time that a call may take, in seconds.
MARGIN = 15.0
#: What is due for a receiver that has its share of calls under way is put off by this, in seconds.
LATER = 1.0
#: An endpoint that has answered 410 is not called for so long, in seconds.
DISABLED_FOR = 30 * 86_400
#: A person may ask for a delivery again while its call is under way; more than so many times is a fault.
TRIES = 5
#: Why a delivery is not called. Another worker, or this one started anew, may know the second: it is tried again.
DISABLED, UNKNOWN = "not called: the address has answered 410", "not called: no such webhook is configured here"

log = structlog.get_logger("server.webhooks")


class Deliverer:
    """Make the calls of all executions. `public`: the address of the page, for links."""

    def __init__(
        self,
        outbox: Outbox,
        sender: Sender,
        subscriptions: Subscriptions,
        *,
        public: str,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._subscriptions = subscriptions
        self._public = public.rstrip("/")
        self._clock = clock
        self._chance = chance
        self.busy: set[Claim] = set()
        self._bell = anyio.Event()

    def deliver(self, payload: bytes) -> None:
        """Be woken: something is due."""
        self._bell.set()

    def missed(self) -> None:
        """Be woken: something may be due."""
        self._bell.set()

    def dropped(self) -> None:
        """Nothing: the channel is held for as long as the worker lives."""

    async def run(self) -> None:
        """Deliver, until cancelled."""
        async with anyio.create_task_group() as group:
            while True:
                self._bell = anyio.Event()
                more = await self._take(group)
                if not more:
                    with anyio.move_on_after(EVERY):
                        await self._bell.wait()

    async def _take(self, group: TaskGroup) -> bool:
        """Begin what is due; tell whether there may be more, and a place for it."""
        free = MOST - len(self.busy)
        if free <= 0:
            return False
        held = self._sender.limit + MARGIN
        try:
            claims, more = await self._outbox.claim(held=held, later=LATER, free=free, busy=self.busy)
        except OUTAGE as error:
            log.warning("webhooks.late", error=str(error))
            return False
        for claim in claims:
            if claim in self.busy:
                group.start_soon(self._give_back, claim)  # asked for again while its call is under way: after that
                continue
            self.busy.add(claim)
            group.start_soon(self._deliver, claim, name=f"delivery {claim.delivery}")
        return more

    async def _deliver(self, claim: Claim) -> None:
        done = False
        try:
            await self._attempt(claim)
            done = True
        except OUTAGE as error:
            log.warning("webhook.late", execution=claim.execution, delivery=claim.delivery, error=str(error))
        except Exception:  # one that cannot be read, say: it must not end every worker that takes it
            log.exception("webhook.failed", execution=claim.execution, delivery=claim.delivery)
            done = True  # given back it would fail again at once: it is due again when the claim runs out
        finally:
            self.busy.remove(claim)
            self._bell.set()
            if not done:
                await self._give_back(claim)

    async def _give_back(self, claim: Claim) -> None:
        """Leave a delivery for later: this worker is told to stop, has lost Redis, or is about to call already."""
        with anyio.move_on_after(2, shield=True), suppress(*OUTAGE):  # else the claim runs out by itself
            await self._outbox.give_back(claim, LATER)

    async def _attempt(self, claim: Claim) -> None:
        offset, name = records.parts(claim.delivery)
        parcel = await self._outbox.open(claim, offset, name)
        if parcel is None:
            await self._outbox.drop(claim)
            return
        record = records.read(parcel.record)
        if record.state != "pending":
            return  # this worker has stood still, and another has had it meanwhile
        now = self._clock()
        endpoint = self._subscriptions.endpoint(name, parcel.brought)
        if parcel.disabled:
            given_up = records.written(records.disabled(record, DISABLED, now=now))
            await self._outbox.settle(claim, parcel.record, given_up, wait=None)  # unless it was asked for meanwhile
            return
        outcome = await self._call(claim, offset, parcel, endpoint, now) if endpoint else Outcome(error=UNKNOWN)
        if outcome.status == records.GONE:
            await self._outbox.disable(claim.tenant, name, DISABLED_FOR)
        chance = self._chance()
        record = await self._settle(
            claim, parcel.record, lambda record: records.noted(record, outcome, now=now, chance=chance)
        )
        _report(claim, endpoint.host if endpoint else "", outcome, record)

    async def _call(self, claim: Claim, offset: int, parcel: Parcel, endpoint: Endpoint, now: float) -> Outcome:
        try:
            body = FORMATS[endpoint.format](await self._notice(claim, offset, parcel, endpoint))
            headers = _headers(endpoint, signing.call_id(claim.execution, claim.delivery), body, now)
            return await self._sender.post(endpoint.url, headers, body)
        except OUTAGE:
            raise
        except Exception:
            log.exception("webhook.failed", execution=claim.execution, delivery=claim.delivery)
            return Outcome(error="this server failed; its log says why")

    async def _notice(self, claim: Claim, offset: int, parcel: Parcel, endpoint: Endpoint) -> Notice:
        arguments = await self._arguments(claim, offset, parcel.frame) if endpoint.format == platform.STEP else None
        cost = await self._outbox.cost(claim) if endpoint.format == SLACK else UNSET
        return Notice(
            frame=parcel.frame, crew=parcel.crew, title=parcel.title, public=self._public, meta=endpoint.meta,
            arguments=arguments, cost=cost,
        )  # fmt: skip

    async def _arguments(self, claim: Claim, offset: int, frame: bytes) -> Mapping[str, Any] | None:
        """Find what a tool was called with: the event of its beginning tells."""
        ended = decode_event(frame).data
        assert isinstance(ended, ToolCompleted | ToolFailed), "the only events that are heard"
        async for earlier in self._outbox.before(claim, offset):
            if ended.call.encode() not in earlier:
                continue
            begun = decode_event(earlier).data
            if isinstance(begun, ToolStarted) and begun.call == ended.call:
                return begun.arguments
        return None

    async def _settle(self, claim: Claim, raw: bytes, change: Callable[[Record], Record]) -> Record:
        """Keep the changed record. Was it asked for again meanwhile, then this was the attempt that was asked for."""
        for _ in range(TRIES):
            after = change(records.read(raw))
            wait = None if after.due is None else after.due - self._clock()
            if await self._outbox.settle(claim, raw, records.written(after), wait=wait):
                break
            raw = await self._outbox.record(claim) or raw
        return after


def _headers(endpoint: Endpoint, ident: str, body: bytes, now: float) -> dict[str, str]:
    told = {"content-type": "application/json", "user-agent": f"Quarterdeck/{version('quarterdeck')}"}
    told |= signing.headers(ident, body, now, endpoint.secret)
    return told if endpoint.authorization is None else {**told, "authorization": endpoint.authorization}


def _report(claim: Claim, host: str, outcome: Outcome, record: Record) -> None:
    telemetry.WEBHOOK_CALLS.labels(record.state).inc()
    if record.state != "delivered":
        log.warning(
            "webhook.not_delivered", execution=claim.execution, delivery=claim.delivery, host=host,
            status=outcome.status, error=outcome.error, state=record.state, tries=record.tries,
        )  # fmt: skip
