"""`quarterdeck serve PATH` on a project as `crewai create` makes it just works, in the project's own environment."""

import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.http import ask
from tests.support.openai_server import OpenAIServer
from tests.support.processes import START_LIMIT, Process, environment
from tests.support.samples import sample
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
READY = "Quarterdeck is ready at http://127.0.0.1:"


class Serve(Process):
    """`python -m server serve PATH`, given from a folder beside the project, without a key to any model."""

    def __init__(self, folder: Path, path: Path, model: str) -> None:
        environ = environment(folder, PORT="0", OPENAI_BASE_URL=model)
        for name in ("QUARTERDECK_CREWS", "QUARTERDECK_PROJECT"):
            del environ[name]
        super().__init__("serve", folder, environ)
        self.arguments = ["serve", path.name]

    async def ready(self) -> int:
        """Wait for the line that says so, and give the port in it."""
        await wait_until(lambda: READY in self.out, description="serve is ready", timeout=START_LIMIT)
        return int(self.out.rpartition(":")[2])


@pytest.fixture
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="qd-") as made:
        yield Path(made).resolve()


@pytest.fixture
def serve(folder: Path, model: OpenAIServer) -> Iterator[Serve]:
    """The project, with a key in its `.env`, and with modules that are called as ours are."""
    root = sample("json_crew", folder)
    (root / ".env").write_text("OPENAI_API_KEY=sk-of-the-project\n")
    (root / "server.py").write_text("raise RuntimeError('not to be imported')")
    process = Serve(folder, root, model.url)
    yield process
    if process.process is not None and process.alive:
        assert process.stop() == 0


async def execute(port: int, body: dict[str, Any]) -> dict[str, Any]:
    """Run an execution to its end, and give it."""
    started = ask(port, "POST", "/api/v1/executions", body).json
    execution: dict[str, Any] = {}

    def ended() -> bool:
        execution.update(ask(port, "GET", f"/api/v1/executions/{started['execution']}").json["execution"])
        return execution["state"] in ("completed", "failed")

    await wait_until(ended, description="the execution ends", timeout=30)
    return execution


async def test_a_project_is_served_from_its_path(serve: Serve, folder: Path, model: OpenAIServer) -> None:
    serve.start()
    port = await serve.ready()
    (crew,) = ask(port, "GET", "/api/v1/crews").json["items"]
    assert (crew["name"], crew["title"], crew.get("broken")) == ("postcards", "Postcards", None)
    assert crew["inputs"]["required"] == ["friend"]
    ended = await execute(port, {"crew": "postcards", "inputs": {"friend": "Ada"}})
    assert (ended["state"], ended.get("error")) == ("completed", None)
    assert model.prompts("Plan a postcard from Lisbon.")
    assert (folder / "json_crew" / ".quarterdeck").is_dir()
    assert not (folder / ".quarterdeck").exists()
    assert "sk-of-the-project" not in serve.err + serve.out


@pytest.fixture
def own_environment(folder: Path, serve: Serve) -> Path:
    """An environment of the project that has what ours has."""
    made = folder / "json_crew" / ".venv"
    venv.create(made, symlinks=True)
    packages = sysconfig.get_path("purelib", vars={"base": str(made)})
    Path(packages, "ours.pth").write_text(sysconfig.get_path("purelib"))
    return made


async def test_a_project_with_an_environment_is_served_in_it(serve: Serve, own_environment: Path) -> None:
    serve.start()
    port = await serve.ready()
    assert ask(port, "GET", "/api/v1/crews").json["items"][0].get("broken") is None
    family = [psutil.Process(serve.pid), *psutil.Process(serve.pid).children()]
    assert {process.cmdline()[0] for process in family} == {str(own_environment / "bin" / "python")}


async def test_an_environment_that_lacks_quarterdeck_is_told_of(serve: Serve, folder: Path) -> None:
    venv.create(folder / "json_crew" / ".venv", symlinks=True)
    serve.start()
    assert serve.wait() == 1
    (line,) = serve.err.splitlines()
    assert line.startswith(f"quarterdeck: {folder}/json_crew/.venv has no quarterdeck. Install it there: uv pip")
