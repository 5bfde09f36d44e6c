"""The journal of one attempt at an execution: what a crew says, keeps and asks. Implements `runnable.Journal`."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import anyio

from protocol.events import CheckpointOpened, CheckpointWithdrawn, Data
from protocol.frames import Delta, timestamp
from protocol.ids import CheckpointId, ExecutionId, new_checkpoint
from protocol.objects import CheckpointState
from server import checkpoint
from server.checkpoint import Record
from server.journal.handover import hand_over
from server.journal.outbox import LONGEST_BACKOFF, LeaseLost, Outbox
from server.journal.quiet import Quiet
from server.journal.values import pack, unpack
from server.runnable import Answer, Question, Suspended
from server.scripts import Commit
from server.store import Store, Write
from server.store.client import OUTAGE

__all__ = ["ExecutionJournal", "LeaseLost", "Outbox"]

ResultT = TypeVar("ResultT")


class ExecutionJournal:
    """Write, keep and ask under one lease. `outbox.run` must run for as long as the crew does."""

    def __init__(
        self,
        store: Store,
        execution: ExecutionId,
        *,
        fence: int,
        attempt: int,
        inputs: Mapping[str, Any],
        checkpoints: Iterable[str],
        recorded: Mapping[str, bytes],
        records: Iterable[Record],
        idle: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self.store = store
        self.execution = execution
        self.fence = fence
        self.attempt = attempt
        self.inputs = inputs
        self.checkpoints = tuple(checkpoints)
        self.outbox = Outbox(store, execution, fence)
        self._recorded = dict(recorded)
        self._records = {record.step: record for record in records}
        self._idle = idle
        self._answered = asyncio.Event()
        self._parking = self._resting = self._rested = False
        self._unanswered: set[CheckpointId] = set()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.quiet = Quiet()

    def emit(self, data: Data, *, once: str = "") -> None:
        """Append an event to the log, in order; with `once`, never again. Quick, from any thread."""
        if once and once in self._recorded:
            return
        value = pack(b"")
        self.outbox.say(Write(data=data, fence=self.fence, step=once, value=value if once else b""))
        if once:
            self._recorded[once] = value

    def delta(self, *, stream: str, text: str, task: str | None = None, agent: str | None = None) -> None:
        """Push a piece of streamed text. Quick, from any thread."""
        self.outbox.say(Delta(execution=self.execution, task=task, agent=agent, stream=stream, index=0, text=text))

    async def append(self, data: Data) -> Commit:
        """Append an event, and wait until it is durable; raises `LeaseLost`."""
        return await self.outbox.write(Write(data=data, fence=self.fence))

    def recall(self, step: str) -> bytes | None:
        """Give what an earlier attempt, or this one, recorded under `step`."""
        stored = self._recorded.get(step)
        return None if stored is None else unpack(stored)

    def steps(self) -> Collection[str]:
        """Name all recorded steps."""
        return self._recorded.keys()

    async def record(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record `value` under `step`, with `event` in the same atomic step; durable when this returns."""
        packed = pack(value)
        if event is None:
            await self._keep(step, packed)
        else:
            await self.outbox.write(Write(data=event, fence=self.fence, step=step, value=packed))
        self._recorded[step] = packed

    async def _keep(self, step: str, value: bytes) -> None:
        if not await self._patiently(partial(self.store.record, self.execution, self.fence, step, value)):
            raise LeaseLost(self.execution)

    async def _patiently(self, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Call Redis, however long it is away."""
        backoff = 0.02
        while not self.outbox.lost:
            try:
                return await call()
            except OUTAGE:
                await anyio.sleep(backoff)
                backoff = min(LONGEST_BACKOFF, backoff * 2)
        raise LeaseLost(self.execution)

    def record_now(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record from synchronous code. On the loop's own thread, and where that is blocked, the event follows."""
        if (recording := self._handed_over(lambda: self.record(step, value, event=event))) is not None:
            _result(recording)
            return
        packed = pack(value)
        try:
            kept = self.store.record_blocking(self.execution, self.fence, step, packed)
        except OUTAGE:
            kept = False
        if not kept:  # nothing may be used that is not kept: the crew is unwound, and goes on where this is repaired
            self.suspend()
            raise Suspended
        self._recorded[step] = packed
        if event is not None:
            self.emit(event)

    def _handed_over(
        self, work: Callable[[], Coroutine[Any, Any, ResultT]]
    ) -> "concurrent.futures.Future[ResultT] | None":
        """Have a thread's work done on the loop; None where nobody can wait for the loop."""
        return None if threading.get_ident() == self._thread else hand_over(self._loop, work)

    def busy(self, change: int) -> None:
        """Count the calls outside that are under way. Quick, from any thread."""
        self.quiet.busy(change)

    @property
    def suspending(self) -> bool:
        """Tell whether the crew is to come to rest at its next safe point."""
        self._rested = self._rested or self._resting
        return self._resting

    def waiting_for(self) -> list[CheckpointId]:
        """Name what all of the unwound crew waits for: nothing, if part of it came to rest elsewhere."""
        return [] if self._rested else sorted(self._unanswered)

    def park(self) -> None:
        """Have every question that waits, now or later, unwind its crew; what else is at work goes on."""
        self._parking = True
        self._answered.set()

    def suspend(self) -> None:
        """Have the whole crew come to rest: questions at once, everything else at its next safe point."""
        self._resting = True
        self.park()

    async def ask(self, question: Question) -> Answer:
        """Ask a person, and wait as long as it takes; an earlier attempt's answer comes at once."""
        record = self._records.get(question.step)
        if record is None or record.checkpoint.version < question.version:
            await self.outbox.write(self._opening(question, record))
        found = self._find(question)
        if found:
            return found
        with self.quiet.asking():
            async with self._idle():
                return await self._wait(question)

    def ask_now(self, question: Question) -> Answer:
        """Ask from synchronous code. On the loop's own thread, an answer that is not there yet suspends at once."""
        if (asking := self._handed_over(lambda: self.ask(question))) is not None:
            return _result(asking)
        record = self._records.get(question.step)
        if record is None or record.checkpoint.version < question.version:
            self.outbox.say(self._opening(question, record))
        found = self._find(question)
        if found:
            return found
        self.park()
        raise self._suspended(question)

    def _suspended(self, question: Question) -> Suspended:
        self._unanswered.add(self._records[question.step].checkpoint.id)
        return Suspended()

    def _opening(self, question: Question, before: Record | None) -> Write:
        ident = before.checkpoint.id if before else new_checkpoint()
        at = timestamp(self.store.clock())
        record, change = checkpoint.opened(question, ident=ident, execution=self.execution, at=at, before=before)
        self._records[question.step] = record
        event = CheckpointOpened(checkpoint=record.checkpoint)
        return Write(data=event, fence=self.fence, change=change, record=record)

    def _find(self, question: Question) -> Answer | None:
        return checkpoint.answer(self._records[question.step], question.version)

    async def _wait(self, question: Question) -> Answer:
        while not (found := self._find(question)):
            if self._records[question.step].checkpoint.state is CheckpointState.WITHDRAWN:
                raise asyncio.CancelledError
            if self._parking:
                raise self._suspended(question)
            self._answered.clear()
            await self._answered.wait()
        return found

    async def withdraw(self, prefix: str, reason: str) -> None:
        """Ask no longer what is asked in steps that begin so; an answer that came first stands."""
        await self.outbox.drain()  # it must have been asked
        for step, record in list(self._records.items()):
            if step.startswith(prefix) and record.checkpoint.state is CheckpointState.OPEN:
                after, change = checkpoint.over(record, CheckpointState.WITHDRAWN)
                event = CheckpointWithdrawn(checkpoint=record.checkpoint.id, reason=reason)
                write = Write(data=event, change=change, record=after)
                await self._patiently(partial(self.store.commit, self.execution, write))
                self._records[step] = after
        self._answered.set()

    async def refresh(self) -> None:
        """Read the answers that came. To be called when the execution is woken, and from time to time."""
        for record in await self.store.records(self.execution):
            known = self._records.get(record.step)
            if known is None or record.checkpoint.version >= known.checkpoint.version:
                self._records[record.step] = record
        self._answered.set()


def _result(future: "concurrent.futures.Future[ResultT]") -> ResultT:
    """Wait in a thread for what is done on the loop."""
    try:
        return future.result()
    except (
        concurrent.futures.CancelledError,
        LeaseLost,
    ) as error:  # crewai would take these for failures of a tool
        raise Suspended from error
