"""`quarterdeck serve PATH`: serve a project from its own folder, in its own environment."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import msgspec

from server import projects
from server.cli import Unavailable
from server.settings import BadSetting

#: Settings that name a file or a folder; a relative one was meant from where the command was given.
PATHS = ("QUARTERDECK_DATA", "QUARTERDECK_CONFIG", "QUARTERDECK_AUTH_KEY_FILE", "QUARTERDECK_PRICES")
#: Set to the environment that was entered, so that one which is no real environment is not entered for ever.
ENTERED = "QUARTERDECK_ENVIRONMENT"
#: What an interpreter is asked; it exits with 1 when the answer is no. It may take so many seconds.
QUESTION, PATIENCE = "import importlib.metadata as found; found.version('quarterdeck')", 30


def enter(text: str, arguments: Sequence[str]) -> None:
    """Go to the project at a path, and have its crews served; in its `.venv`, when it has one.

    Does not return when the environment is another: the command is run again there. Raises `BadSetting` for a path
    that holds no crew, `Unavailable` when the environment lacks quarterdeck.
    """
    try:
        path = projects.checked(Path(text))
    except projects.BadProject as error:
        raise BadSetting(str(error)) from error
    if not {",", "="}.isdisjoint(str(path)):
        raise BadSetting(f"{path} has a comma or an equals sign in it, which QUARTERDECK_CREWS cannot hold.")
    root = projects.root_of(path)
    if python := other_python(root):
        _run_in(python, arguments)
    for name in PATHS:
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().resolve())
    os.environ.update(QUARTERDECK_CREWS=str(path), QUARTERDECK_PROJECT=str(root))
    os.chdir(root)


def other_python(root: Path) -> Path | None:
    """Find the interpreter of a project's environment, unless there is none or this process runs in it."""
    environment = root / ".venv"
    python = environment / "bin" / "python"
    here = Path(sys.prefix).resolve() == environment.resolve() or os.environ.get(ENTERED) == str(environment)
    return python if python.exists() and not here else None


def _run_in(python: Path, arguments: Sequence[str]) -> None:
    if not _has_quarterdeck(python):
        raise Unavailable(f"{python.parents[1]} has no quarterdeck. Install it there: {advice(python)}")
    os.environ[ENTERED] = str(python.parents[1])
    sys.stdout.flush()
    os.execv(python, [str(python), "-P", "-m", "server", *arguments])


def _has_quarterdeck(python: Path) -> bool:
    try:
        asked = subprocess.run([python, "-I", "-c", QUESTION], timeout=PATIENCE, capture_output=True, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{python} does not run: {error}") from error
    return asked.returncode == 0


def advice(python: Path) -> str:
    """Write the command that installs into an environment what runs here."""
    with_pip = (python.parent / "pip").exists()
    installer = f"{python} -m pip install" if with_pip else f"uv pip install --python {python}"
    return f"{installer} {_source()}"


def _source() -> str:
    """Tell where this installation came from: a folder, or the package index."""
    try:
        found = distribution("quarterdeck")
    except PackageNotFoundError:
        return str(Path(__file__).parents[2])
    url = msgspec.json.decode(found.read_text("direct_url.json") or "{}").get("url", "")
    return url.removeprefix("file://") if url else f"quarterdeck=={found.version}"
