"""A real browser on the page: what it shows, what it says to its console, and a network that can be cut."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute, TaskStatus
from playwright.async_api import Browser, Locator, Page, Request, async_playwright, expect

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "tests" / "artefacts"
AXE = ROOT / "static" / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
#: Nothing on the page takes longer, in milliseconds.
LIMIT = 15_000
#: What Chromium itself says when a server is away; the page cannot keep it from saying so.
OUTAGE = ("error: WebSocket connection to ", "error: Failed to load resource: net::ERR_")
#: Notes how long each streamed text was, each time it changed while its task was at work.
RECORDER = """
window.grown = {};
const STREAMS = '[data-state="running"] > [data-testid^="stream-"]';
new MutationObserver(() => {
  for (const { dataset, textContent } of document.querySelectorAll(STREAMS)) {
    const lengths = (window.grown[dataset.testid] ??= []);
    if (lengths.at(-1) !== textContent.length) lengths.push(textContent.length);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


def find_chromium() -> str:
    """Find Chromium or Chrome: by QUARTERDECK_CHROMIUM or CHROMIUM, else on the PATH."""
    named = os.environ.get("QUARTERDECK_CHROMIUM") or os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    assert found, (
        "These tests need Chromium or Chrome. Install it with your package manager (on Debian: apt-get install "
        "chromium) or with `playwright install chromium`, and set QUARTERDECK_CHROMIUM to its path."
    )
    return found


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Start a browser."""
    expect.set_options(timeout=LIMIT)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=SWITCHES)
        yield browser
        await browser.close()


class Screen:
    """One person's browser, on one tab."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        #: What the console says, errors of scripts and refused content included.
        self.said: list[str] = []
        self.requests: list[Request] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"thrown: {error}"))
        page.on("requestfinished", lambda request: self.requests.append(request))

    def __getitem__(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    @property
    def execution(self) -> str:
        """The execution that the address names."""
        return self.page.url.split("/x/")[1].split("/")[0]

    def card(self, name: str, version: int = 1, state: str = "open") -> Locator:
        """The card of a checkpoint."""
        attributes = {"testid": "checkpoint-card", "name": name, "version": version, "state": state}
        return self.page.locator("".join(f'[data-{key}="{value}"]' for key, value in attributes.items()))

    async def go(self, path: str = "/") -> None:
        """Open a path of the page, and wait until it is live."""
        await self.page.goto(self.origin + path)
        await self.live()

    async def live(self) -> None:
        """Wait until the page has its connection."""
        await expect(self["connection"]).to_have_attribute("data-phase", "open")

    async def online(self) -> None:
        """Tell the page, as an operating system does, that there is a network again."""
        await self.page.evaluate("dispatchEvent(new Event('online'))")

    async def lost(self) -> None:
        """Wait until the page tells that it has no connection."""
        await expect(self.page.get_by_text("No connection. What you type is kept.")).to_be_visible()

    async def start(self, brief: str, *, unasked: Sequence[str] = ()) -> None:
        """Start a run that stops at all its checkpoints but those `unasked`."""
        await self.go()
        await self["input-user_input"].fill(brief)
        for name in unasked:
            await self[f"checkpoint-{name}"].uncheck()
        await self["start-submit"].click()
        await self.page.wait_for_url("**/x/*")

    async def press(self, action: str) -> None:
        """Press a button of the card."""
        await self[f"action-{action}"].click()

    async def approve(self, name: str) -> None:
        """Approve at a checkpoint, and see that it is over."""
        await expect(self.card(name)).to_be_visible()
        await self.press("approve")
        await expect(self.card(name)).to_be_hidden()

    async def edit(self, change: Callable[[str], str]) -> None:
        """Change the draft by hand."""
        await self["tab-edit"].click()
        await self["editor"].fill(change(await self["editor"].input_value()))

    async def ended(self, state: str) -> None:
        """Wait for the end of the run."""
        await expect(self["run-state"]).to_have_attribute("data-state", state)

    async def growth(self, task: str) -> list[int]:
        """Tell how long the streamed text of a task was, each time it changed while the task was at work."""
        lengths: list[int] = await self.page.evaluate("name => window.grown[name]", f"stream-{task}")
        return lengths

    async def thread(self) -> str:
        """Read all that the thread says."""
        return await self["thread"].inner_text()

    async def entries(self) -> list[str]:
        """List what the thread holds: tasks with their round, tools, verdicts and notices."""
        found: list[str] = (
            await self["thread"]
            .locator(".entry")
            .evaluate_all(
                """all => all.map(({ dataset, classList }) =>
                dataset.action ? `decided ${dataset.action}`
                : dataset.round ? `${dataset.testid} ${dataset.round}`
                : dataset.event ?? classList[1])"""
            )
        )
        return found

    async def accessibility(self) -> list[str]:
        """List what axe has to say against the page."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        result: Any = await self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        return [f"{rule['id']}: {node['html']}" for rule in result["violations"] for node in rule["nodes"]]

    async def keep(self, name: str) -> None:
        """Keep a picture of the page."""
        ARTEFACTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{name}.png")


@asynccontextmanager
async def opened(browser: Browser, port: int, *, outages: bool = False) -> AsyncIterator[Screen]:
    """Give a person a browser of their own. Afterwards the console must be empty, but for an outage itself."""
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce"
    )
    context.set_default_timeout(LIMIT)
    await context.add_init_script(RECORDER)
    screen = Screen(await context.new_page(), f"http://127.0.0.1:{port}")
    try:
        yield screen
        said = [line for line in screen.said if not (outages and line.startswith(OUTAGE))]
        assert not said, f"the console is not empty: {said}"
    finally:
        await context.close()


class Line:
    """The network between a browser and a server."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._is_cut = False
        self._connections: set[anyio.CancelScope] = set()

    def cut(self) -> None:
        """Lose every connection, and let none come about."""
        self._is_cut = True
        for connection in self._connections:
            connection.cancel()

    def mend(self) -> None:
        """Let connections come about again."""
        self._is_cut = False

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Listen."""
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            self.port = listener.extra(SocketAttribute.local_port)
            task_status.started()
            await listener.serve(self._carry)

    async def _carry(self, client: ByteStream) -> None:
        async with client:
            if self._is_cut:
                return
            with anyio.CancelScope() as connection:
                self._connections.add(connection)
                try:
                    async with (
                        await anyio.connect_tcp("127.0.0.1", self.target) as server,
                        anyio.create_task_group() as group,
                    ):
                        group.start_soon(_pump, client, server, connection)
                        group.start_soon(_pump, server, client, connection)
                finally:
                    self._connections.discard(connection)


async def _pump(source: ByteStream, target: ByteStream, connection: anyio.CancelScope) -> None:
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        while True:
            await target.send(await source.receive())
    connection.cancel()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """Lay a line to a server."""
    line = Line(port)
    async with anyio.create_task_group() as group:
        await group.start(line.serve)
        yield line
        group.cancel_scope.cancel()
