"""Firefox, where this machine has one, by WebDriver BiDi itself: Playwright drives only a Firefox of its own making."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import anyio
from websockets.asyncio.client import ClientConnection, connect

from tests.support.waiting import wait_until

NAMES = ("firefox", "firefox-esr")
#: What a key is called in WebDriver.
KEYS = {"Control": "\ue009", "Escape": "\ue00c"}
#: No answer takes longer, in seconds.
LIMIT = 30.0


def find_firefox() -> str | None:
    """Find Firefox: by QUARTERDECK_FIREFOX, else on the PATH."""
    named = os.environ.get("QUARTERDECK_FIREFOX")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


class Firefox:
    """One tab. `said`: what the console says, errors of scripts and refused content included."""

    def __init__(self, socket: ClientConnection) -> None:
        self.said: list[str] = []
        self._socket = socket
        self._ids = count(1)
        self._context = ""

    async def begin(self) -> None:
        """Take the tab that is open."""
        await self.command("session.new", capabilities={})
        await self.command("session.subscribe", events=["log.entryAdded"])
        tree = await self.command("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    async def command(self, method: str, **params: Any) -> Any:
        """Give a command and wait for its result."""
        ident = next(self._ids)
        await self._socket.send(json.dumps({"id": ident, "method": method, "params": params}))
        with anyio.fail_after(LIMIT):
            while (frame := json.loads(await self._socket.recv())).get("id") != ident:
                if frame.get("method") == "log.entryAdded":
                    self.said.append(f"{frame['params']['level']}: {frame['params']['text']}")
        assert frame["type"] == "success", frame
        return frame["result"]

    async def go(self, url: str) -> None:
        """Open a page."""
        await self.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """Evaluate beside the page's own scripts, where its policy does not reach."""
        target = {"context": self._context, "sandbox": "test"}
        answer = await self.command("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression holds."""
        await wait_until(lambda: self.evaluate(f"Boolean({expression})"), description=expression, timeout=LIMIT)

    async def press(self, *keys: str) -> None:
        """Press keys together."""
        values = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": value} for value in values]
        actions += [{"type": "keyUp", "value": value} for value in reversed(values)]
        await self.command(
            "input.performActions", context=self._context, actions=[{"type": "key", "id": "keys", "actions": actions}]
        )


@asynccontextmanager
async def firefox(program: str) -> AsyncIterator[Firefox]:
    """Start it with a profile of its own; afterwards the console must be empty."""
    with tempfile.TemporaryDirectory(prefix="qd-firefox-") as folder:
        command = [program, "--headless", "--no-remote", "--profile", folder, "--remote-debugging-port", "0"]
        process = await anyio.open_process(
            command, env={**os.environ, "HOME": folder}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            port = Path(folder) / "WebDriverBiDiServer.json"
            await wait_until(port.exists, description="Firefox listens", timeout=LIMIT)
            server = json.loads(port.read_text())
            async with connect(f"ws://{server['ws_host']}:{server['ws_port']}/session", max_size=None) as socket:
                made = Firefox(socket)
                await made.begin()
                yield made
                assert not made.said, f"the console is not empty: {made.said}"
        finally:
            with anyio.CancelScope(shield=True), anyio.fail_after(LIMIT):
                process.terminate()
                await process.wait()
