"""The wheel: it holds all that a server needs, and nothing else; what is unpacked from it serves the page."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What a browser is given, beside the page itself.
PUBLIC = ("client", "ui", "vendor")
#: Opens everything that is read from files beside the code, and says where it came from.
PROBE = """
import server.scripts
from protocol.asyncapi import FILE
from server.assets import Assets, find_root
assert len(Assets(find_root()).files) > 30
assert FILE.is_file()
print(server.scripts.__file__, find_root(), sep="\\n")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    return next(folder.glob("quarterdeck-*.whl"))


def sources() -> set[str]:
    """Name every file that belongs into the wheel, as it is named there."""
    code = [path for top in ("server", "protocol") for path in (ROOT / top).rglob("*")]
    public = [ROOT / "static/index.html", *(path for top in PUBLIC for path in (ROOT / "static" / top).rglob("*"))]
    names = {path.relative_to(ROOT).as_posix() for path in code if "__pycache__" not in path.parts and path.is_file()}
    return names | {f"server/{path.relative_to(ROOT).as_posix()}" for path in public if path.is_file()}


def test_it_holds_every_source_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    about = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - about == sources()
    suffixes = {Path(name).suffix for name in names}
    assert {".py", ".lua", ".yaml", ".json", ".html", ".js", ".css", ".svg", ".woff2", ".txt"} <= suffixes


def test_it_brings_the_command_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = {name.split("/", 1)[1]: name for name in archive.namelist() if ".dist-info/" in name}
        assert "quarterdeck = server.cli:main" in archive.read(about["entry_points.txt"]).decode()
        assert "Apache License" in archive.read(about["licenses/LICENSE"]).decode()
        assert "Requires-Python: <3.14,>=3.11" in archive.read(about["METADATA"]).decode()


def test_it_finds_its_own_files_with_no_checkout_around(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    probe = subprocess.run(
        [sys.executable, "-P", "-c", PROBE], cwd=tmp_path, env=environ, check=True, capture_output=True, text=True
    )
    scripts, page = probe.stdout.splitlines()
    assert Path(scripts) == tmp_path / "server/scripts.py"
    assert Path(page) == tmp_path / "server/static"
