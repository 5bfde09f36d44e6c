"""The npm package: what is in it, and that fresh apps install it, compile against it, build it and run it."""

import functools
import http.server
import json
import re
import shutil
import tarfile
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from playwright.async_api import expect

from tests.support.browser import launched
from tests.support.demo import BRIEF, SETTINGS
from tests.support.npm import APPS, PAGES, ROOT, fresh_app, install, node, npm, pack, pinned, run
from tests.support.stack import Stack, installed

TYPES_18 = ("@types/react@18.3.27", "@types/react-dom@18.3.7")
#: The newest that installs; its core is named because a newer one asks for a store that was never published.
ASSISTANT_UI = ("@assistant-ui/react@0.15.21", "@assistant-ui/core@0.3.20")
#: A first installation fetches much.
pytestmark = pytest.mark.timeout(400)


class Site(http.server.ThreadingHTTPServer):
    """A host of static files, on another origin than Quarterdeck."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(Silent, directory=str(folder)))
        self.origin = f"http://127.0.0.1:{self.server_port}"


class Silent(http.server.SimpleHTTPRequestHandler):
    """Says nothing of each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="qd-package-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def tarball(folder: Path) -> Path:
    return pack(folder)


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    """Serves what was built last, at the root."""
    with Site(folder / "www") as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture(scope="module")
async def stack(site: Site) -> AsyncIterator[Stack]:
    """A web process that pages of the site may use, and a worker with the demo crew."""
    with installed("", settings={**SETTINGS, "QUARTERDECK_ORIGINS": site.origin}) as stack:
        await stack.mend()
        yield stack


def bring(folder: Path, *pages: str) -> None:
    """Put pages that people wrote into an app."""
    for page in pages:
        shutil.copy(PAGES / page, folder)


def the_app(kind: str, folder: Path, tarball: Path) -> Path:
    """Give the app of a kind, which another test may have made already."""
    return folder / kind if (folder / kind).exists() else fresh_app(kind, folder, tarball)


def names(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name.removeprefix("package/") for member in archive.getmembers() if member.isfile()}


def test_it_holds_the_client_its_types_and_nothing_else(tarball: Path) -> None:
    static = ROOT / "static"
    sources = [path for folder in ("client", "adapters") for path in (static / folder).rglob("*.*")]
    modules = {path.relative_to(static).as_posix() for path in sources if path.suffix == ".js"}
    shapes = {path.relative_to(static).as_posix() for path in sources if path.name.endswith(".d.ts")}
    expected = {"package.json", "README.md", "LICENSE", *modules}
    types = {f"types/{name.removesuffix('.js')}.d.ts" for name in modules} | {f"types/{name}" for name in shapes}
    assert names(tarball) == expected | types
    assert tarball.stat().st_size < 96 * 1024


def test_each_entry_names_files_that_are_there(tarball: Path) -> None:
    manifest = json.loads((ROOT / "static" / "package.json").read_text())
    assert (manifest["type"], manifest["sideEffects"], manifest["license"]) == ("module", False, "Apache-2.0")
    assert list(manifest["dependencies"]) == ["diff"]
    entries = {name: entry for name, entry in manifest["exports"].items() if isinstance(entry, dict)}
    assert set(entries) == {".", "./react", "./webhooks", "./compat", "./assistant-ui", "./ag-ui"}
    for entry in entries.values():
        assert {path.removeprefix("./") for path in entry.values()} <= names(tarball)


def test_the_lock_names_no_place_to_fetch_from() -> None:
    lock = json.loads((ROOT / "static" / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


async def test_in_node_it_works_on_a_real_server(folder: Path, tarball: Path, stack: Stack) -> None:
    app = the_app("node", folder, tarball)
    address = {"QUARTERDECK_URL": f"ws://127.0.0.1:{stack.port}/ws"}
    command = [*node(), "--experimental-websocket", "--no-warnings", "--test", "live.test.mjs"]
    await anyio.to_thread.run_sync(functools.partial(run, command, app, environ=address, limit=120))


async def test_the_example_of_the_readme_runs(folder: Path, tarball: Path, stack: Stack) -> None:
    app = the_app("node", folder, tarball)
    example = re.findall(r"```js\n(.*?)```", (ROOT / "static" / "README.md").read_text(), re.DOTALL)[0]
    (app / "example.mjs").write_text(example.replace("127.0.0.1:8000", f"127.0.0.1:{stack.port}"))
    command = [*node(), "--experimental-websocket", "--no-warnings", "example.mjs"]
    said = await anyio.to_thread.run_sync(functools.partial(run, command, app, limit=60))
    assert said.startswith("#")


async def test_a_fresh_vite_app_builds_and_a_page_that_polled_works_unchanged(
    folder: Path, tarball: Path, site: Site, stack: Stack
) -> None:
    app = the_app("vite", folder, tarball)
    bring(app / "src", "drop-in.tsx", "right.tsx")
    await build(app, stack)
    publish(app / "dist", folder)
    await campaign(site)


def test_an_agent_of_ag_ui_builds_in_a_fresh_app(folder: Path, tarball: Path) -> None:
    (home := folder / "agent").mkdir()
    app = fresh_app("vite", home, tarball, f"@ag-ui/client@{pinned('@ag-ui/client')}", f"rxjs@{pinned('rxjs')}")
    bring(app / "src", "agent.tsx")
    (app / "src" / "main.tsx").write_text('import { agent } from "./agent";\nconsole.log(agent.threadId);\n')
    run([*npm(), "run", "build"], app)
    assert list((app / "dist").rglob("*.js"))


async def build(app: Path, stack: Stack) -> None:
    """Build an app that shall find the server where it is."""
    environ = {"NEXT_PUBLIC_QUARTERDECK_URL": f"http://127.0.0.1:{stack.port}"}
    await anyio.to_thread.run_sync(functools.partial(run, [*npm(), "run", "build"], app, environ=environ))


def publish(built: Path, folder: Path) -> None:
    """Have the site serve what was built, and nothing else."""
    shutil.rmtree(folder / "www", ignore_errors=True)
    shutil.copytree(built, folder / "www")


async def campaign(site: Site) -> None:
    """Run a campaign by hand on a page that polled before: ask for changes, then go on to the end."""
    async with launched() as browser:
        page = await browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(site.origin, wait_until="networkidle")
        await page.locator("[name=message]").fill(BRIEF)
        await page.get_by_role("button", name="Start").click()
        card = page.locator(".qd-checkpoint")
        await expect(page.locator(".status")).to_have_text("waiting_feedback")
        before = await card.locator("pre").inner_text()
        await page.get_by_label("Feedback").fill("Two creators, not three")
        await until_settled(card)
        await page.get_by_role("button", name="Revise").click()
        await expect(card.locator("pre")).not_to_have_text(before)
        await until_settled(card)
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator(".status")).to_have_text("completed")
        await expect(page.locator(".result")).to_contain_text("#")
        await expect(page.get_by_text("1 decided")).to_be_visible()
        assert said == []


async def until_settled(card: Any) -> None:
    """Wait until the card has been there long enough to take an answer."""
    await expect(card.get_by_role("button", name="Continue")).to_have_attribute("aria-disabled", "false")


def test_mistakes_do_not_compile_against_the_package(folder: Path, tarball: Path) -> None:
    app = the_app("vite", folder, tarball)
    bring(app / "src", "wrong.tsx")
    with pytest.raises(AssertionError) as caught:
        run([*npm(), "exec", "tsc"], app)
    (app / "src" / "wrong.tsx").unlink()
    found = {int(line) for line in re.findall(r"^src/wrong\.tsx[(:](\d+)", str(caught.value), re.MULTILINE)}
    lines = (PAGES / "wrong.tsx").read_text().splitlines()
    assert found == {number for number, line in enumerate(lines, 1) if re.search(r"(//|/\*) \d+", line)}


def test_what_is_packed_passes_its_tests_on_react_18_and_the_newest_assistant_ui(folder: Path, tarball: Path) -> None:
    home = folder / "react-18"
    with tarfile.open(tarball) as archive:
        archive.extractall(home, filter="data")
    static = (home / "package").rename(home / "static")
    manifest = json.loads((static / "package.json").read_text())
    kept = {name: manifest[name] for name in ("name", "type", "exports", "dependencies")}
    (static / "package.json").write_text(json.dumps(kept))
    shutil.copytree(ROOT / "tests" / "web", home / "tests" / "web")
    install(static, "react@18.3.1", "react-dom@18.3.1", *TYPES_18, *ASSISTANT_UI, f"happy-dom@{pinned('happy-dom')}")
    tests = [
        f"tests/web/{name}.test.js"
        for name in ("react", "mounted", "polled", "chat", "compat", "checkpoint", "together", "assistant")
    ]
    assert "# fail 0" in run([*node(), "--test", "--test-reporter=tap", *tests], home, limit=60)

    shutil.copytree(APPS / "vite" / "src", static / "src")
    shutil.copy(APPS / "vite" / "tsconfig.json", static)
    bring(static / "src", "drop-in.tsx", "right.tsx", "chat.tsx")
    run([str(ROOT / "static/node_modules/.bin/tsc"), "--skipLibCheck"], static, limit=60)


@pytest.mark.parametrize(("version", "react"), [("16.4.6", "19.3.1"), ("14.2.35", "18.3.1")])
async def test_a_fresh_next_app_builds_is_rendered_in_advance_and_comes_to_life(
    folder: Path, tarball: Path, site: Site, stack: Stack, version: str, react: str
) -> None:
    home = folder / f"next-{version}"
    home.mkdir()
    types = TYPES_18 if react.startswith("18") else ()
    app = fresh_app("next", home, tarball, f"next@{version}", f"react@{react}", f"react-dom@{react}", *types)
    bring(app / "app", "drop-in.tsx", "right.tsx")
    await build(app, stack)
    assert 'name="message"' in (app / "out" / "index.html").read_text()
    assert ">idle</button>" in (app / "out" / "desk.html").read_text()
    publish(app / "out", folder)
    await campaign(site)
