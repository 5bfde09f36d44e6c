"""What people feel at the page: how soon it is there, and the longest pause while thousands of events come."""

import statistics
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

import anyio
from playwright.async_api import Browser, expect

from tests.benchmarks.report import Row
from tests.support.browser import launched, opened
from tests.support.lighthouse import Audit, audit
from tests.support.long_run import AT_END, EVENTS, stream, untended, until
from tests.support.market import market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack

VISITS = 7
#: Lighthouse differs from run to run: the median counts.
AUDITS = 5
#: A task of the browser that takes longer is felt, in milliseconds (https://web.dev/articles/optimize-long-tasks is
#: stricter, with 50).
LONG = 100
OBSERVER = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries()))
  .observe({ type: "longtask", buffered: false });
"""
LENGTHS = "begun => window.tasks.filter(task => task.startTime >= begun).map(task => task.duration)"
CLOCK = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("[data-testid=checkpoint-card] button")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => (window.painted = performance.now())));
}).observe(document, { subtree: true, childList: true });
"""


def page() -> Iterator[Row]:
    """Look at a question, and at a very long run, in a real browser."""
    yield from anyio.run(_page)


async def _page() -> list[Row]:
    async with _ground() as (stack, browser):
        return [await _question(stack, browser), await _long_run(stack, browser)]


@asynccontextmanager
async def _ground() -> AsyncIterator[tuple[Stack, Browser]]:
    with OpenAIServer() as server:
        async with market(server) as stack, launched() as browser:
            yield stack, browser


async def _question(stack: Stack, browser: Browser) -> Row:
    execution = await start(stack, "soon", ["after_survey"])
    times: list[float] = []
    for _ in range(VISITS):
        async with opened(browser, stack.port) as screen:
            await screen.page.add_init_script(CLOCK)
            await screen.go(f"/x/{execution}")
            await until(screen, "Boolean(window.painted)")
            times.append(await screen.page.evaluate("window.painted"))
    return Row("first visit → card on the screen", "the page", {"p50 ms": f"{statistics.median(times):.0f}"})


async def _long_run(stack: Stack, browser: Browser) -> Row:
    async with untended(stack, browser) as (store, execution, screen):
        await screen.page.add_init_script(OBSERVER)
        await screen.go(f"/x/{execution}")
        await expect(screen["task-survey"]).to_be_visible()
        begun = await screen.page.evaluate("performance.now()")
        await stream(store, execution)
        await expect(screen["thread"].locator(".entry")).to_have_count(EVENTS // 2 + 1, timeout=120_000)
        await until(screen, AT_END)
        tasks: list[float] = await screen.page.evaluate(LENGTHS, begun)
    figures = {"longest task ms": f"{max(tasks, default=0):.0f}", "over 100 ms": str(sum(t > LONG for t in tasks))}
    return Row(f"{EVENTS:,} events stream in", "the page", figures)


def lighthouse() -> Iterator[Row]:
    """Let Lighthouse judge the page on a slow phone with slow 4G, both simulated."""
    yield from anyio.run(_lighthouse)


async def _lighthouse() -> list[Row]:
    with OpenAIServer() as server:
        async with market(server) as stack:
            execution = await start(stack, "judged", ["after_survey"])
            checkpoint = await _checkpoint(stack, execution)
            pages = {"home": "/", "a run": f"/x/{execution}", "its question": f"/x/{execution}/c/{checkpoint}"}
            return [_judged(name, [await _audit(stack, path) for _ in range(AUDITS)]) for name, path in pages.items()]


async def _checkpoint(stack: Stack, execution: str) -> str:
    async with stack.connect() as client:
        reply = await client.command("get", execution=execution)
        return str(reply["checkpoints"][0]["id"])


async def _audit(stack: Stack, path: str) -> Audit:
    (found,) = await audit(f"http://127.0.0.1:{stack.port}{path}")
    return found


def _judged(name: str, audits: list[Audit]) -> Row:
    def median(values: Iterable[float]) -> str:
        return f"{statistics.median(values):.0f}"

    scores = {kind: median(found.scores[kind] for found in audits) for kind in audits[0].scores}
    times = {f"{kind} ms": median(found.metrics[kind] for found in audits) for kind in ("fcp", "lcp", "si", "tbt")}
    weight = f"{sum(file.bytes for file in audits[0].fetched) / 1024:.0f}"
    size = {"files": str(len(audits[0].fetched)), "KiB": weight}
    return Row(f"Lighthouse, slow 4G, {name}", "the page", {**scores, **times, **size})


ROWS = {"page": page, "lighthouse": lighthouse}
