"""What a crew is made of, each part with a short hash, so that the difference of two versions can be told."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crewai import Crew

from server.crews.names import agents_of, role, task_names
from server.crews.registration import Registration

#: Parts of a registration that say how a crew is shown and bounded, and not what it does.
SHOWN = ("title", "description", "concurrency", "timeout")
LENGTH = 12


def manifest(files: Iterable[Path], root: Path | None, registration: Registration, crew: Any) -> dict[str, str]:
    """List the parts of a crew or flow that loaded: its files by their paths in `root`, its settings, its texts."""
    settings = {"its settings for Quarterdeck": digest(_settings(registration))}
    return hashes(files, root) | settings | texts(crew)


def hashes(files: Iterable[Path], root: Path | None) -> dict[str, str]:
    """List files as they are now."""
    return {_shown(file, root): digest(_bytes(file)) for file in sorted(set(files))}


def texts(crew: Any) -> dict[str, str]:
    """List what each agent and each task of a crew is told, before inputs are filled in; of a flow, nothing."""
    if not isinstance(crew, Crew):
        return {}
    parts: dict[str, list[Any]] = {}
    for agent in agents_of(crew):
        parts.setdefault(f"agent {role(agent)!r}", []).append((agent.role, agent.goal, agent.backstory))
    for name, task in zip(task_names(crew.tasks), crew.tasks, strict=True):
        told = (task.description, task.expected_output, role(task.agent), task.output_file)
        parts.setdefault(f"task {name!r}", []).append(told)
    return {name: digest(json.dumps(told).encode()) for name, told in parts.items()}


def version(parts: Mapping[str, str]) -> str:
    """Make one short hash of a manifest."""
    return digest(json.dumps(parts, sort_keys=True).encode())


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Tell a person what differs: `agents.yaml changed; task 'plan' changed`; empty when nothing does."""
    changed = [f"{name} changed" for name in before if name in now and before[name] != now[name]]
    added = [f"{name} is new" for name in now if name not in before]
    gone = [f"{name} is gone" for name in before if name not in now]
    return "; ".join([*changed, *added, *gone])


def digest(content: bytes) -> str:
    """Make a short hash."""
    return hashlib.sha256(content).hexdigest()[:LENGTH]


def _shown(file: Path, root: Path | None) -> str:
    return file.relative_to(root).as_posix() if root and file.is_relative_to(root) else file.name


def _bytes(file: Path) -> bytes:
    return file.read_bytes().replace(b"\r\n", b"\n")


def _settings(registration: Registration) -> bytes:
    parts = {name: value for name, value in vars(registration).items() if name not in SHOWN}
    return repr(sorted(parts.items())).encode()
