"""One attempt at an execution: run the crew under the lease, and commit how it ended."""

import asyncio
from collections.abc import Callable

import anyio
import structlog
from msgspec import UNSET
from structlog.contextvars import bind_contextvars

from protocol.events import Data, ExecutionCompleted, ExecutionFailed, ExecutionParked, ExecutionStopped
from protocol.frames import seconds_of
from protocol.ids import ExecutionId
from protocol.objects import Execution, Fault, State
from server import traces
from server.engine.clock import WorkClock
from server.engine.slots import Slot
from server.journal import ExecutionJournal, LeaseLost
from server.runnable import CrewFailed, Outcome, Runnable, Stopped, Suspended
from server.store import Store
from server.store.client import OUTAGE

#: How long an execution that leaves its worker may take to say so, in seconds.
LAST_WORD = 5.0

log = structlog.get_logger("server.engine")


class Attempt:
    """A crew that runs in this worker now."""

    def __init__(
        self, journal: ExecutionJournal, crew: Runnable, slot: Slot, store: Store, hot: float, *, trace: str = ""
    ) -> None:
        self.journal = journal
        self.execution: ExecutionId = journal.execution
        self.crew = crew
        self.slot = slot
        self.store = store
        self.hot = hot
        self.trace = trace
        self.clock = WorkClock(journal)
        self._in_time = anyio.CancelScope()
        self._scope: anyio.CancelScope | None = None
        self._reason: str | None = None
        self._finished = anyio.Event()

    async def run(self, done: Callable[["Attempt"], None]) -> None:
        """Run to an end, or until the lease is lost; never raises."""
        # what the crew's own code logs says, too, of which execution it speaks
        crew, attempt = self.crew.describe().name, self.journal.attempt
        bind_contextvars(execution=self.execution, crew=crew, attempt=attempt)
        told: traces.Attributes = {
            "quarterdeck.execution": self.execution, "quarterdeck.crew": crew, "quarterdeck.attempt": attempt,
        }  # fmt: skip
        with traces.span(f"crew {crew}", told, within=self.trace):
            await self._run(done)

    async def _run(self, done: Callable[["Attempt"], None]) -> None:
        try:
            async with anyio.create_task_group() as group:
                self._scope = group.cancel_scope
                group.start_soon(self._write, group.cancel_scope)
                group.start_soon(self._park_when_quiet)
                group.start_soon(self._limit_time)
                await self._run_crew()
                group.cancel_scope.cancel()
        except Exception:
            log.exception("attempt.broke")
        finally:
            self.slot.release()
            self._finished.set()
            done(self)

    async def _write(self, scope: anyio.CancelScope) -> None:
        try:
            await self.journal.outbox.run()
        except LeaseLost as lost:
            log.info("lease.lost", reason=str(lost))
            scope.cancel()

    async def _park_when_quiet(self) -> None:
        await self.journal.quiet.last(self.hot)
        self._reason = self._reason or "waiting"
        self.journal.park()

    async def _run_crew(self) -> None:
        try:
            await self._catch_up()
            end = await self._end()
            commit = await self.journal.append(end)
            log.info(end.type.replace("execution", "crew"))
            if commit.state in (
                State.QUEUED,
                State.WAITING,
            ):  # an answer may have come while the crew was being unwound
                await self.store.look_after(self.execution, 0)
        except LeaseLost:
            log.info("crew.left")

    async def _catch_up(self) -> None:
        try:
            await self.journal.refresh()  # people may have answered while the lease was being taken
        except OUTAGE as error:
            log.warning("refresh.failed", error=str(error))

    async def _end(self) -> Data:
        """Run the crew, and give the event that ends the execution, or this attempt at it."""
        try:
            log.info("crew.started")
            return await self._completed(await self._run_in_time())
        except Stopped as stopped:
            return ExecutionStopped(checkpoint=stopped.checkpoint, task=stopped.task)
        except Suspended:
            await self.clock.keep()
            return ExecutionParked(reason=self._reason, waiting_for=self.journal.waiting_for())
        except CrewFailed as failed:
            log.warning("crew.failing", code=failed.code, task=failed.task, exc_info=failed.__cause__ or failed)
            return ExecutionFailed(task=failed.task, error=Fault(code=failed.code, message=failed.message))
        except LeaseLost:
            raise
        except asyncio.CancelledError:
            if self._scope is None or self._scope.cancel_called or _cancelled():
                raise
            return ExecutionFailed(error=Fault(code="cancelled", message="Something inside the crew cancelled it."))
        except (Exception, SystemExit):
            log.exception("crew.broke")
            fault = Fault(code="internal", message="The server failed while running the crew; its log says why.")
            return ExecutionFailed(error=fault)

    async def _run_in_time(self) -> Outcome:
        with self._in_time:
            return await self.crew.run(self.journal)
        limit = self.crew.limits().seconds
        raise CrewFailed("timeout", f"The crew has worked for {limit:g} s, which is all that its registration allows.")

    async def _limit_time(self) -> None:
        if (limit := self.crew.limits().seconds) is not None:
            await self.clock.reach(limit)
            self._in_time.cancel()

    async def _completed(self, outcome: Outcome) -> ExecutionCompleted:
        await self.journal.outbox.drain()  # the usage of the last call must be counted
        view = await self.store.view(self.execution)
        if view is None:
            raise LeaseLost(self.execution)
        return completed(outcome, view[0], self.store.clock())

    async def wake(self) -> None:
        """Take notice of what people did: answers, or an end."""
        holder = await self.store.holder(self.execution)
        if holder is None or holder.fence != self.journal.fence or not holder.owner:
            log.info("lease.lost", execution=self.execution, reason=holder.state if holder else "gone")
            self.leave()
        elif holder.state is State.PAUSED:
            self._suspend("paused")
        else:
            await self.journal.refresh()

    def _suspend(self, reason: str) -> None:
        """Have the crew come to rest at its next safe point: what is in flight is paid for, and is kept."""
        self._reason = self._reason or reason
        self.journal.suspend()

    def leave(self) -> None:
        """End the crew without another word: the execution has ended, or is somebody else's."""
        if self._scope:
            self._scope.cancel()

    async def give_back(self, patience: float) -> None:
        """Give the execution back, so that any worker may go on with it.

        Calls in flight have `patience` seconds to come to an end, so that nothing is paid twice.
        """
        self._suspend("drain")
        with anyio.move_on_after(patience):
            await self._finished.wait()
        if not self._finished.is_set():
            try:
                with anyio.move_on_after(LAST_WORD):
                    await self.journal.append(ExecutionParked(reason="drain"))
            except LeaseLost:
                pass
            self.leave()
        await self._finished.wait()


def _cancelled() -> bool:
    """Tell whether it is us who are cancelled, and not just something that the crew awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def completed(outcome: Outcome, execution: Execution, now: float) -> ExecutionCompleted:
    """Make the last event of a crew that finished."""
    return ExecutionCompleted(
        output=outcome.output,
        output_json=UNSET if outcome.output_json is None else outcome.output_json,
        tasks=list(outcome.tasks),
        usage=execution.usage,
        seconds=round(max(0.0, now - seconds_of(execution.created_at)), 3),
        waited=execution.waited,
    )
