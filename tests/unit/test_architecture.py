"""The shape of the code: who may import what, how long a file may be, what is never said."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for top in ("server", "protocol") for path in (ROOT / top).rglob("*.py"))
LONGEST = 500
#: Who may import what crosses the edge of the process; each exactly.
IMPORTERS = {
    "redis": {"server/store", "server/scripts.py", "server/pubsub", "server/engine/heartbeat.py"},
    "limits": {"server/store/counters.py", "server/quota.py"},
    "opentelemetry": {"server/traces.py"},
    "crewai": {"server/crews", "server/demo"},
    "docket": {"server/queue.py"},
    "starlette": {"server/app", "server/routes", "server/connection", "server/assets"},
    "uvicorn": {"server/sockets"},
    "httpcore": {"server/webhooks/sender.py"},
    "standardwebhooks": {"server/webhooks/signing.py"},
}


def imports(path: Path) -> set[str]:
    """Name the top-level packages that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", IMPORTERS)
def test_only_these_import(package: str) -> None:
    allowed = IMPORTERS[package]
    users = {path.relative_to(ROOT).as_posix() for path in SOURCES if package in imports(path)}
    strangers = {user for user in users if not any(user == place or user.startswith(f"{place}/") for place in allowed)}
    assert not strangers
    assert all(any(user == place or user.startswith(f"{place}/") for user in users) for place in allowed)


def test_no_file_is_too_long() -> None:
    patterns = ("*.py", "*.lua", "*.js", "*.css", "*.ts")
    files = [p for top in ("server", "protocol", "tests", "static") for k in patterns for p in (ROOT / top).rglob(k)]
    ours = [p for p in files if not {"node_modules", "vendor"} & set(p.parts) and p.name != "protocol.d.ts"]
    long = {p.relative_to(ROOT).as_posix(): n for p in ours if (n := len(p.read_text().splitlines())) > LONGEST}
    assert not long


def test_scripts_are_short_and_say_what_they_take() -> None:
    for path in (ROOT / "server" / "lua").glob("*.lua"):
        text = path.read_text()
        assert len(text.splitlines()) <= 60, path.name
        assert {"KEYS", "ARGV", "returns"} <= set(re.findall(r"\b(KEYS|ARGV|returns)\b", text[:900])), path.name


def test_the_commit_script_knows_no_state_and_no_event() -> None:
    from protocol.events import EventType
    from protocol.objects import State

    text = (ROOT / "server" / "lua" / "commit.lua").read_text()
    words = set(re.findall(r"'([^']*)'", text))
    assert not words & {*(event.value for event in EventType), *(state.value for state in State)}
