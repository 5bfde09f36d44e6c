"""A worker: claims executions under a lease, runs each as a task of its own, gives them back when it leaves."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import anyio
import structlog
from anyio.abc import TaskGroup

from protocol.events import Data, ExecutionFailed, ExecutionRecovered, ExecutionResumed, ExecutionStarted
from protocol.ids import ExecutionId
from protocol.objects import Fault, State
from server.engine.attempt import Attempt
from server.engine.slots import Slot, Slots
from server.execution import ENDS, Verdict
from server.journal import ExecutionJournal
from server.runnable import Runnable
from server.store import Holder, Store, WorkerReport, Workers, Write
from server.store.client import OUTAGE

#: A wake-up may be lost with a connection; running executions are looked at this often, in seconds.
LOOK_EVERY = 5
#: When to look again after an execution that somebody runs, and after one that waits for a person, in seconds.
RUNNING_AGAIN, WAITING_AGAIN = 3.0, 60.0
#: An execution that so many workers died with, without a task coming on, is given up: it may be what kills them.
MOST_CRASHES = 10
#: Somebody else may have a free slot sooner, in seconds.
PATIENT_FOR_SLOT = 0.5
#: When the worker leaves, what is in flight has this long to come to an end, in seconds.
PATIENCE = 5.0

log = structlog.get_logger("server.engine")


class Worker:
    """The executions that this process runs."""

    def __init__(self, ident: str, store: Store, workers: Workers, slots: int, *, hot: float = 30.0) -> None:
        self.ident = ident
        self.store = store
        self.workers = workers
        self.crews: dict[str, Runnable] = {}
        self.names: list[str] = []
        self.slots = Slots(slots)
        self.hot = hot
        self._bounds: dict[str, anyio.CapacityLimiter] = {}
        self.attempts: dict[ExecutionId, Attempt] = {}
        self._draining = asyncio.Event()
        self._claiming: set[ExecutionId] = set()
        self._group: TaskGroup | None = None

    def register(self, crews: Mapping[str, Runnable], names: Iterable[str]) -> None:
        """Take what was loaded: the crews that can run, and the names of all, broken ones too."""
        self.crews = dict(crews)
        self.names = list(names)
        bounds = {name: crew.limits().concurrency for name, crew in crews.items()}
        self._bounds = {name: anyio.CapacityLimiter(bound) for name, bound in bounds.items() if bound is not None}

    def report(self) -> WorkerReport:
        """Say what the heartbeat says."""
        return WorkerReport(id=self.ident, slots=self.slots.total, running=self.slots.taken, crews=self.names)

    async def run(self, pulse: Callable[[], None]) -> None:
        """Keep the executions' task group open, and look after them, until cancelled; `pulse` shows that it runs."""
        async with anyio.create_task_group() as group:
            self._group = group
            while True:
                for _ in range(LOOK_EVERY):
                    pulse()
                    await anyio.sleep(1)
                await self.wake_all()

    async def advance(self, member: str) -> bool:
        """Run an execution on, if nobody does: wait for a slot, take the lease, start the crew.

        False when there is no slot for a while: the work is not kept from workers that have one.
        """
        store, execution = self.store.at(member)
        if execution in self.attempts:
            await self.wake(execution)
            return True
        if self._draining.is_set() or execution in self._claiming:
            return True
        self._claiming.add(execution)  # before anything is awaited: two people may answer at once
        slot: Slot | None = None
        try:
            holder = await self._free(store, execution)
            if holder is None:
                return True
            with anyio.move_on_after(PATIENT_FOR_SLOT):
                slot = await self.slots.take(self._bounds.get(holder.crew))
            if slot is None:
                return False
            attempt = None if self._draining.is_set() else await self._claim(store, execution, slot)
            if attempt and self._group:
                self.attempts[execution] = attempt
                self._group.start_soon(attempt.run, self._done, name=f"attempt {execution}")
        finally:
            self._claiming.discard(execution)
            if slot is not None and execution not in self.attempts:
                slot.release()
        return True

    async def _free(self, store: Store, execution: ExecutionId) -> Holder | None:
        """Tell who held the execution, if it goes on and no live worker holds it."""
        holder = await store.holder(execution)
        return holder if holder is not None and await self._may_take(holder) else None

    async def _may_take(self, holder: Holder) -> bool:
        if holder.state in ENDS or holder.state is State.PAUSED:
            return False
        return holder.owner in ("", self.ident) or not await self.workers.lives(holder.owner)

    async def _claim(self, store: Store, execution: ExecutionId, slot: Slot) -> Attempt | None:
        """Read all that an attempt needs, then take the lease: once it is taken, nothing is left that can fail."""
        kept = await store.kept(execution)
        if kept is None or not await self._may_take(kept.holder):
            return None
        holder = kept.holder
        journal = ExecutionJournal(
            store,
            execution,
            fence=holder.fence + 1,
            attempt=holder.attempt + 1,
            inputs=kept.inputs,
            checkpoints=kept.checkpoints,
            recorded=kept.journal,
            records=kept.records,
            idle=slot.idle,
        )
        crew = self.crews.get(holder.crew)
        if not await self._take_lease(holder, journal):
            return None
        fault = _hopeless(holder, crew)
        if crew is None or fault:
            assert fault is not None, "a crew that is not there is hopeless"
            await store.commit(execution, Write(data=ExecutionFailed(error=fault), fence=journal.fence))
            return None
        return Attempt(journal, crew, slot, store, self.hot, trace=kept.trace)

    async def _take_lease(self, holder: Holder, journal: ExecutionJournal) -> bool:
        commit = await journal.store.commit(
            journal.execution,
            Write(
                data=self._claim_event(holder, journal.attempt),
                fence=journal.fence,
                owner=self.ident,
                key=f"claim:{self.ident}:{journal.fence}",  # the same claim, sent again after a lost connection
            ),
        )
        return commit.verdict in (Verdict.APPLIED, Verdict.DUPLICATE)

    def _claim_event(self, holder: Holder, attempt: int) -> Data:
        if holder.attempt == 0:
            return ExecutionStarted(worker=self.ident, attempt=attempt)
        if not holder.owner:
            return ExecutionResumed()
        return ExecutionRecovered(worker=self.ident, attempt=attempt)

    def _done(self, attempt: Attempt) -> None:
        if self.attempts.get(attempt.execution) is attempt:
            del self.attempts[attempt.execution]

    async def wake(self, execution: ExecutionId) -> None:
        """Tell an execution's attempt that people did something."""
        if attempt := self.attempts.get(execution):
            await attempt.wake()

    def notice_all(self) -> None:
        """Learn that wake-ups may have been lost."""
        if self._group:
            self._group.start_soon(self.wake_all)

    async def wake_all(self) -> None:
        """Have every attempt look for itself; wake-ups may have been lost."""
        for execution in list(self.attempts):
            await self._wake_safely(execution)

    async def expire(self) -> list[tuple[str, int]]:
        """Close checkpoints whose deadline has passed; give the executions, and offsets, that nobody holds now."""
        free: list[tuple[str, int]] = []
        for member, ident in await self.store.overdue():
            store, execution = self.store.at(member)
            commit = await store.expire(execution, ident)
            if commit is not None:
                log.info("checkpoint.expired", execution=execution, checkpoint=ident)
                if not commit.owner:
                    free.append((member, commit.offset))
        return free

    async def look(self, member: str) -> int | None:
        """Look after one execution: repair its lists, and give the offset to advance it from, if that must be done."""
        store, execution = self.store.at(member)
        await store.repair(execution)
        holder = await store.holder(execution)
        if holder is None or holder.state in ENDS:
            return None
        resting = holder.state is State.PAUSED or (holder.state is State.WAITING and not holder.owner)
        await store.look_after(execution, WAITING_AGAIN if resting else RUNNING_AGAIN)
        if execution in self.attempts or await self._free(store, execution) is None:
            return None
        return None if await self._waits(store, execution, holder) else holder.offset

    async def _waits(self, store: Store, execution: ExecutionId, holder: Holder) -> bool:
        """Tell whether all of a parked execution waits for people still: the message of an answer may be lost."""
        if holder.state is not State.WAITING or holder.owner or not holder.waiting_for:
            return False
        return not await store.any_closed(execution, holder.waiting_for)

    async def drain(self) -> None:
        """Take no more work, and give back what is held; what waits for people is just released."""
        self._draining.set()
        async with anyio.create_task_group() as group:
            for attempt in list(self.attempts.values()):
                group.start_soon(self._give_back, attempt)

    async def _give_back(self, attempt: Attempt) -> None:
        await attempt.give_back(PATIENCE)
        try:
            await attempt.store.look_after(attempt.execution, 0)
        except OUTAGE as error:
            log.warning("handover.late", execution=attempt.execution, error=str(error))

    def notice(self, payload: bytes) -> None:
        """Take a wake-up from the wake channel: the name of an execution's channel."""
        execution = ExecutionId(payload.decode().rpartition(":")[2].rstrip("}"))
        if self._group and execution in self.attempts:
            self._group.start_soon(self._wake_safely, execution)

    async def _wake_safely(self, execution: ExecutionId) -> None:
        try:
            await self.wake(execution)
        except OUTAGE as error:
            log.warning("wake.failed", execution=execution, error=str(error))


def _hopeless(holder: Holder, crew: Runnable | None) -> Fault | None:
    if crew is None:
        return Fault(code="crew_broken", message=f"No worker can load the crew {holder.crew!r} any more.")
    if holder.crashes >= MOST_CRASHES:
        return Fault(code="gave_up", message=f"{holder.crashes} workers died while they ran this, one after another.")
    return None
