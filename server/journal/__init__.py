"""The journal of one attempt at an execution: what a crew says, keeps and asks. Implements `runnable.Journal`."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import anyio

from protocol.events import CheckpointOpened, Data
from protocol.frames import Delta, timestamp
from protocol.ids import ExecutionId, new_checkpoint
from server import checkpoint
from server.checkpoint import Record
from server.journal.outbox import LONGEST_BACKOFF, LeaseLost, Outbox
from server.runnable import Answer, Question
from server.scripts import Commit
from server.store import Store, Write
from server.store.client import OUTAGE

__all__ = ["ExecutionJournal", "LeaseLost", "Outbox"]


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

    def emit(self, data: Data) -> None:
        """Append an event to the log, in order. Quick, from any thread."""
        self.outbox.say(Write(data=data, fence=self.fence))

    def delta(self, *, stream: str, text: str, task: str | None = None, agent: str | None = None) -> None:
        """Push a piece of streamed text. Quick, from any thread."""
        self.outbox.say(Delta(execution=self.execution, task=task, agent=agent, stream=stream, index=0, text=text))

    async def append(self, data: Data) -> Commit:
        """Append an event, and wait until it is durable; raises `LeaseLost`."""
        return await self.outbox.write(Write(data=data, fence=self.fence))

    def recall(self, step: str) -> bytes | None:
        """Give what an earlier attempt, or this one, recorded under `step`."""
        return self._recorded.get(step)

    async def record(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record `value` under `step`, with `event` in the same atomic step; durable when this returns."""
        if event is None:
            await self._keep(step, value)
        else:
            await self.outbox.write(Write(data=event, fence=self.fence, step=step, value=value))
        self._recorded[step] = value

    async def _keep(self, step: str, value: bytes) -> None:
        backoff = 0.02
        while not self.outbox.lost:
            try:
                if await self.store.record(self.execution, self.fence, step, value):
                    return
                break
            except OUTAGE:
                await anyio.sleep(backoff)
                backoff = min(LONGEST_BACKOFF, backoff * 2)
        raise LeaseLost(self.execution)

    async def ask(self, question: Question) -> Answer:
        """Ask a person, and wait as long as it takes; an earlier attempt's answer comes at once."""
        record = self._records.get(question.step)
        if record is None or record.checkpoint.version < question.version:
            await self._open(question, record)
        found = self._find(question)
        if found:
            return found
        async with self._idle():
            return await self._wait(question)

    async def _open(self, question: Question, before: Record | None) -> None:
        ident = before.checkpoint.id if before else new_checkpoint()
        at = timestamp(self.store.clock())
        record, change = checkpoint.opened(question, ident=ident, execution=self.execution, at=at, before=before)
        self._records[question.step] = record
        event = CheckpointOpened(checkpoint=record.checkpoint)
        await self.outbox.write(Write(data=event, fence=self.fence, change=change, record=record))

    def _find(self, question: Question) -> Answer | None:
        return checkpoint.answer(self._records[question.step], question.version)

    async def _wait(self, question: Question) -> Answer:
        while not (found := self._find(question)):
            self._answered.clear()
            await self._answered.wait()
        return found

    async def refresh(self) -> None:
        """Read the answers that came. To be called when the execution is woken, and from time to time."""
        for record in await self.store.records(self.execution):
            known = self._records.get(record.step)
            if known is None or record.checkpoint.version >= known.checkpoint.version:
                self._records[record.step] = record
        self._answered.set()
