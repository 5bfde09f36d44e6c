"""An execution with thousands of events, written without a crew; and how long a page takes over it."""

import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio.lowlevel
from playwright.async_api import Browser
from redis.asyncio import Redis

from protocol.events import ExecutionQueued, ExecutionStarted, TaskStarted, ToolCompleted, ToolStarted
from protocol.frames import Delta
from protocol.ids import ExecutionId
from protocol.objects import TaskPlan
from server.store import Store, Write
from tests.support.browser import Screen, opened
from tests.support.stack import Stack
from tests.support.waiting import wait_until

#: Events of the thread, a call of a tool being two; they come as fast as the server takes them.
EVENTS = 5_000
#: Events, and pieces of text beside them, that are appended at once.
AT_ONCE, PIECES = 20, 4
FENCE = 1
#: Whoever reads the newest text is kept at it.
AT_END = "(sheet => sheet.scrollHeight - sheet.scrollTop - sheet.clientHeight < 80)(document.querySelector('.sheet'))"


def events() -> Iterator[Write]:
    """Make calls of a tool, one after the other."""
    for number in range(EVENTS // 2):
        call = f"c{number}"
        arguments = {"query": f"What sells in week {number}?"}
        yield Write(data=ToolStarted(call=call, tool="lookup", arguments=arguments, task="survey"), fence=FENCE)
        yield Write(data=ToolCompleted(call=call, tool="lookup", result="Coffee. " * 20, seconds=0.1), fence=FENCE)


@asynccontextmanager
async def untended(stack: Stack, browser: Browser) -> AsyncIterator[tuple[Store, ExecutionId, Screen]]:
    """Begin a long run that no worker looks after, and open a browser for it."""
    execution = ExecutionId(f"x_{secrets.token_hex(8)}")
    async with Redis(unix_socket_path=stack.valkey.socket) as redis, opened(browser, stack.port) as screen:
        store = Store(redis)
        stack.workers[0].stop(signal.SIGKILL)  # it would look after an execution that nobody runs
        await begin(store, execution)
        yield store, execution, screen


async def begin(store: Store, execution: ExecutionId) -> None:
    """Have a task at work, in an execution that no worker knows."""
    tasks = [TaskPlan(name="survey", agent="Analyst")]
    queued = ExecutionQueued(crew="market", title="A long day", inputs={}, checkpoints=[], tasks=tasks)
    await store.commit(execution, Write(data=queued, key="start"))
    await store.commit(execution, Write(data=ExecutionStarted(worker="w", attempt=1), fence=FENCE, owner="w"))
    await store.commit(
        execution, Write(data=TaskStarted(task="survey", index=0, agent="Analyst", round=1), fence=FENCE)
    )


async def stream(store: Store, execution: ExecutionId) -> None:
    """Append all events, with text between them."""
    writes = list(events())
    for place in range(0, EVENTS, AT_ONCE):
        first = place // AT_ONCE * PIECES
        pieces = [
            Delta(execution=execution, task="survey", agent="Analyst", stream="s", index=first + i, text=f"word {i} ")
            for i in range(PIECES)
        ]
        await store.commit_all(execution, [*writes[place : place + AT_ONCE], *pieces], FENCE)
        await anyio.lowlevel.checkpoint()


async def until(screen: Screen, holds: str) -> None:
    """Wait until an expression holds in the page: its policy forbids to have it looked at there."""

    async def look() -> bool:
        return bool(await screen.page.evaluate(holds))

    await wait_until(look, description=holds)
