"""Handing executions to workers: short tasks on Docket, a task engine on Redis.

A Docket task here never lasts as long as a crew does: it claims an execution and returns. The lease and the fence are
the execution's own (see `server/execution.py`); Docket may deliver a task twice, and that does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self

import anyio
import structlog
from docket import Docket, Retry, Worker

NAME = "qd:docket"
#: A task of a worker that died goes to another after this.
REDELIVERY = timedelta(seconds=4)
#: What was taken when the worker is told to stop must end within this, in seconds; it is all short.
END_LIMIT = 5.0
#: Docket reads redis-py's default limit of 100 connections as an outage when it is reached.
MAX_CONNECTIONS = 2000

#: A worker without a free slot leaves the work to whoever has one; it is offered again after this.
AGAIN = timedelta(milliseconds=250)

log = structlog.get_logger("server.queue")

Advance = Callable[[str], Awaitable[bool]]


class Queue:
    """Ask for an execution to be advanced, and (in a worker) do so when asked.

    `on_advance` tells whether the request is done with; when not, it is offered to all workers again.
    """

    def __init__(self, url: str, *, on_advance: Advance | None = None) -> None:
        self._stack = AsyncExitStack()
        self._docket = Docket(NAME, _bounded(url), execution_ttl=timedelta(seconds=60))
        self._on_advance = on_advance
        self._docket.register(self._advance, names=["advance"])

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._docket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def advance(self, member: str, offset: int) -> None:
        """Ask for an execution (`tenant/id`) to be run on from an offset; asking again does nothing more."""
        await self._docket.add("advance", key=f"advance:{member}:{offset}")(member)

    async def run(self, name: str) -> None:
        """Do what is asked for, until cancelled. Few at a time, so that a worker never hoards waiting work.

        Enough, all the same, to start crews one after another: with every place taken, Docket looks again only after
        its check interval.
        """
        worker = Worker(
            self._docket,
            name,
            concurrency=8,
            redelivery_timeout=REDELIVERY,
            reconnection_delay=timedelta(milliseconds=500),
            minimum_check_interval=timedelta(milliseconds=100),
            scheduling_resolution=timedelta(milliseconds=250),
        )
        async with worker:
            running = asyncio.create_task(worker.run_forever(), name="docket")
            try:
                await asyncio.shield(running)
            finally:
                await _end(running)

    async def _advance(self, member: str, retry: Retry = Retry.forever()) -> None:  # noqa: B008 - Docket's way
        if self._on_advance is None:
            raise RuntimeError("this process runs no crews")
        if not await self._on_advance(member):
            retry.after(AGAIN)


async def _end(running: asyncio.Task[None]) -> None:
    """Cancel Docket's loop once, and let it finish what it has taken: a second cancel would break that off."""
    with anyio.CancelScope(shield=True):
        running.cancel()
        await asyncio.wait([running], timeout=END_LIMIT)
    if running.done() and not running.cancelled() and (error := running.exception()):
        log.warning("queue.ended_badly", error=str(error))


def _bounded(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}max_connections={MAX_CONNECTIONS}"
