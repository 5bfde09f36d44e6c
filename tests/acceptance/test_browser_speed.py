"""A very long run stays smooth while it streams."""

import secrets
import signal
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest
from playwright.async_api import Browser, expect
from redis.asyncio import Redis

from protocol.events import ExecutionQueued, ExecutionStarted, TaskStarted, ToolCompleted, ToolStarted
from protocol.frames import Delta
from protocol.ids import ExecutionId
from protocol.objects import TaskPlan
from server.store import Store, Write
from tests.support.browser import launched, opened
from tests.support.market import market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack

#: Events of the thread, a call of a tool being two; they come as fast as the server takes them.
EVENTS = 5_000
#: Events, and pieces of text beside them, that are appended at once.
AT_ONCE, PIECES = 20, 4
#: No task of the browser may take longer while text streams in, in milliseconds.
LONGEST = 100
FENCE = 1
OBSERVER = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
  .observe({ type: "longtask", buffered: false });
"""

#: Whoever reads the newest text is kept at it.
AT_END = "(sheet => sheet.scrollHeight - sheet.scrollTop - sheet.clientHeight < 80)(document.querySelector('.sheet'))"
#: From the click on a link to the card on the screen, in milliseconds; the best of some first visits.
SOON, VISITS = 1_000, 3
CLOCK = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("[data-testid=checkpoint-card] button")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => (window.painted = performance.now())));
}).observe(document, { subtree: true, childList: true });
"""


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    with OpenAIServer() as server:
        async with market(server) as stack:
            yield stack


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


def events() -> Iterator[Write]:
    """Make calls of a tool, one after the other."""
    for number in range(EVENTS // 2):
        call = f"c{number}"
        arguments = {"query": f"What sells in week {number}?"}
        yield Write(data=ToolStarted(call=call, tool="lookup", arguments=arguments, task="survey"), fence=FENCE)
        yield Write(data=ToolCompleted(call=call, tool="lookup", result="Coffee. " * 20, seconds=0.1), fence=FENCE)


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


async def test_the_card_is_on_the_screen_within_a_second(stack: Stack, browser: Browser) -> None:
    execution = await start(stack, "soon", ["after_survey"])
    times: list[float] = []
    for _ in range(VISITS):
        async with opened(browser, stack.port) as screen:
            await screen.page.add_init_script(CLOCK)
            await screen.go(f"/x/{execution}")
            await screen.page.wait_for_function("window.painted")
            times.append(await screen.page.evaluate("window.painted"))
    assert min(times) < SOON, times


async def test_five_thousand_events_stream_in_without_a_long_task(stack: Stack, browser: Browser) -> None:
    execution = ExecutionId(f"x_{secrets.token_hex(8)}")
    async with Redis(unix_socket_path=stack.valkey.socket) as redis, opened(browser, stack.port) as screen:
        store = Store(redis)
        stack.workers[0].stop(signal.SIGKILL)  # it would look after an execution that nobody runs
        await begin(store, execution)
        await screen.page.add_init_script(OBSERVER)
        await screen.go(f"/x/{execution}")
        await expect(screen["task-survey"]).to_be_visible()
        await screen.page.evaluate("window.tasks.length = 0")
        await stream(store, execution)
        entries = screen["thread"].locator(".entry")
        await expect(entries).to_have_count(EVENTS // 2 + 1, timeout=60_000)
        await expect(entries.first).to_contain_text(f"word {PIECES - 1}")
        await screen.page.wait_for_function(AT_END)
        tasks: list[float] = await screen.page.evaluate("window.tasks")
        assert max(tasks, default=0) < LONGEST, f"{len(tasks)} tasks of {sorted(map(round, tasks))} ms"
        assert (
            await screen.page.evaluate("document.querySelectorAll('.entry.tool[data-state=done]').length")
            == EVENTS // 2
        )
