"""Who looks at a question is killed with `kill -9`, or the web process it hangs on: the others see it go."""

import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis
from playwright.async_api import async_playwright, expect

from protocol.ids import ExecutionId
from server import keys
from server.dispatch.view import SETTLE
from server.hub.hub import LOOK_AGAIN
from server.store.viewers import PATIENCE
from tests.support.browser import LIMIT, SWITCHES, Screen, find_chromium, launched, opened
from tests.support.client import Client, Frame
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller
from tests.support.waiting import wait_until

#: The system ends the connection of a client that dies, in seconds: what is left is to tell everybody.
AT_ONCE = SETTLE + 2.0
#: Nobody tells of a web process that dies: Redis forgets whom it spoke of, and the others look, in seconds.
FORGOTTEN = PATIENCE + LOOK_AGAIN + 2.0


@pytest.fixture(scope="module")
def machines(tales: Storyteller) -> Iterator[Stack]:
    with installed(tales.server.url, webs=2) as stack:
        yield stack


@pytest.fixture
async def watcher(whole: Stack) -> AsyncIterator[Client]:
    """Somebody on the first web process, who only watches."""
    async with whole.connect(0) as client:
        yield client


@pytest.fixture
async def question(watcher: Client, topic: str) -> Frame:
    """A question of a crew, with nobody at it."""
    start = await watcher.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    return await watcher.question(start["execution"], "agree")


async def sees(watcher: Client, question: Frame, *states: str) -> Sequence[str]:
    """Wait until the last word on a question is that people do this there; give their connections."""

    def last() -> list[Frame] | None:
        words = [f for f in watcher.frames if f["type"] == "presence" and f["checkpoint"] == question["id"]]
        return words[-1]["viewers"] if words else None

    while (viewers := last()) is None or sorted(viewer["state"] for viewer in viewers) != sorted(states):
        await watcher.receive()
    return [viewer["id"] for viewer in viewers]


async def looks(client: Client, question: Frame, state: str) -> None:
    """Have a client say what it does at a question."""
    await client.command("view", execution=question["execution"], checkpoint=question["id"], state=state)


async def gone(watcher: Client, question: Frame, since: float, limit: float) -> None:
    """See that nobody is there any more, for the watcher and in Redis, within the time that is promised."""
    await sees(watcher, question)
    assert time.monotonic() - since < limit


def left(stack: Stack, question: Frame) -> int:
    """Tell how long Redis will keep what it knows of the viewers, in milliseconds: -2 for nothing, -1 for ever."""
    name = keys.viewers(keys.OPEN_TENANT, ExecutionId(question["execution"]))
    with redis.Redis(unix_socket_path=stack.valkey.socket) as client:
        found: int = client.pttl(name)
    return found


def started(folder: Path) -> subprocess.Popen[bytes]:
    """Start a browser whose processes can be killed."""
    arguments = [find_chromium(), *SWITCHES, "--headless", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    nothing = subprocess.DEVNULL
    return subprocess.Popen(arguments, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)


@asynccontextmanager
async def doomed(stack: Stack, folder: Path) -> AsyncIterator[tuple[Screen, subprocess.Popen[bytes]]]:
    """Open a tab of such a browser for the page of the second web process."""
    process, told = started(folder), folder / "DevToolsActivePort"
    try:
        await wait_until(lambda: told.exists() and "\n" in told.read_text(), description="it is up", timeout=30)
        async with async_playwright() as playwright:
            port = told.read_text().splitlines()[0]
            browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
            page = await browser.contexts[0].new_page()
            page.set_default_timeout(LIMIT)
            yield Screen(page, f"http://127.0.0.1:{stack.webs[1].port}"), process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def test_a_browser_is_killed(whole: Stack, watcher: Client, question: Frame, tmp_path: Path) -> None:
    async with doomed(whole, tmp_path) as (screen, process):
        await screen.go(f"/x/{question['execution']}")
        await sees(watcher, question, "viewing")
        await screen["note"].fill("Is that so?")
        await sees(watcher, question, "editing")
        assert 0 < left(whole, question) <= PATIENCE * 1000
        kill(process)
        await gone(watcher, question, time.monotonic(), AT_ONCE)
    assert left(whole, question) == -2


async def test_a_web_process_is_killed_and_comes_back(whole: Stack, watcher: Client, question: Frame) -> None:
    """Those whom it spoke of are forgotten; one of them came back by then, and never met itself."""
    async with launched() as browser, opened(browser, whole.webs[1].port, outages=True) as screen:
        await screen.go(f"/x/{question['execution']}")
        async with whole.connect(1) as other:
            await looks(other, question, "editing")
            before = await sees(watcher, question, "viewing", "editing")
            await expect(screen["viewers"]).to_contain_text("Somebody is editing")
            whole.webs[1].stop(signal.SIGKILL)
            killed = time.monotonic()
        await screen.lost()
        await whole.mend()
        await screen.online()
        await screen.live()
        after = await sees(watcher, question, "viewing", "viewing", "editing")
        assert set(before) < set(after)
        await expect(screen["viewers"]).to_have_text("S Somebody is editing")
        (only,) = await sees(watcher, question, "viewing")
        assert time.monotonic() - killed < FORGOTTEN
        assert only not in before
        await expect(screen["viewers"]).to_be_empty()
        assert 0 < left(whole, question) <= PATIENCE * 1000
    await sees(watcher, question)
    assert left(whole, question) == -2
