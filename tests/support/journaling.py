"""An execution that a worker has claimed, its journal, and what came of it in the log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio

from protocol.events import ExecutionQueued, ExecutionStarted, JournalMissed
from protocol.frames import decode_server_frame
from protocol.ids import ExecutionId, new_execution
from server.journal import ExecutionJournal, LeaseLost
from server.store import Store, Write


def said(number: int) -> JournalMissed:
    """Make an event that a number tells from others."""
    return JournalMissed(step=str(number), reason="test")


async def claimed(store: Store) -> ExecutionId:
    """Make an execution whose lease is 1."""
    execution = new_execution()
    queued = ExecutionQueued(crew="c", title="t", inputs={}, checkpoints=[], tasks=[])
    await store.commit(execution, Write(data=queued))
    await store.commit(execution, Write(data=ExecutionStarted(worker="w", attempt=1), fence=1, owner="w"))
    return execution


@asynccontextmanager
async def journal(store: Store, execution: ExecutionId, fence: int = 1) -> AsyncIterator[ExecutionJournal]:
    """Write with a lease until the block ends."""
    made = ExecutionJournal(
        store, execution, fence=fence, attempt=1, inputs={}, checkpoints=(), recorded={}, records=()
    )

    async def write() -> None:
        with suppress(LeaseLost):
            await made.outbox.run()

    async with anyio.create_task_group() as group:
        group.start_soon(write)
        yield made
        group.cancel_scope.cancel()


async def steps(store: Store, execution: ExecutionId) -> list[str]:
    """Read the numbers of what was said, and check that the log has no hole."""
    page = await store.page(execution, 0, 100_000)
    assert page is not None
    assert [offset for offset, _ in page.frames] == list(range(1, page.last + 1))
    events = [decode_server_frame(frame) for _, frame in page.frames]
    return [event.data.step for event in events if isinstance(event.data, JournalMissed)]
