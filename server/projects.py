"""Where crews come from, as every process has to know it: folders, files, names. Nothing is imported from them.

A project is a folder with a `pyproject.toml`, a `quarterdeck.toml` or a `crew.jsonc`. Its configuration stands in
`[tool.quarterdeck]` of the first, or at the top of the second; both may name several crews, each with its `target`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYPROJECT, OWN_FILE = "pyproject.toml", "quarterdeck.toml"
#: What makes a folder a project.
MARKS = (PYPROJECT, OWN_FILE, "crew.jsonc", "crew.json")
#: Tables `[tool.…]` that tell a project of crews from any other.
TOOLS = ("crewai", "quarterdeck")
#: Files that hold a crew or a flow.
DEFINITIONS = (".json", ".jsonc", ".yaml", ".yml")
#: Names that say nothing about whose crew it is.
PLAIN_STEMS = ("crew", "flow")
MODULE_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class BadProject(Exception):
    """Raised for a path that cannot hold a crew; the message says what would be right."""


@dataclass(frozen=True)
class Table:
    """Configuration from one place; `where` names it for people."""

    where: str
    content: Mapping[str, Any]


def is_module(target: str) -> bool:
    """Tell whether a target names an attribute of a module, `module:attr`, and not a path."""
    return MODULE_TARGET.fullmatch(target) is not None


def checked(path: Path) -> Path:
    """Give the absolute path of a project, or of a file with a crew or a flow, or raise `BadProject`."""
    path = path.expanduser().resolve()
    if path.is_file():
        if path.suffix in DEFINITIONS:
            return path
        raise BadProject(f"{path} is no crew or flow: such a file ends in {', '.join(DEFINITIONS)}.")
    if not path.is_dir():
        raise BadProject(f"There is no folder or file {path}.")
    if not any((path / mark).is_file() for mark in MARKS):
        raise BadProject(f"{path} is no project: it has no {', '.join(MARKS[:-1])} or {MARKS[-1]}.")
    return path


def root_of(path: Path) -> Path:
    """Give the folder of the project of a path: itself, or the nearest above a file that says it is one."""
    if path.is_dir():
        return path
    return next((folder for folder in path.parents if _is_project(folder)), path.parent)


def _is_project(folder: Path) -> bool:
    if (folder / OWN_FILE).is_file():
        return True
    try:
        tools = pyproject(folder).get("tool")
    except BadProject:
        return True  # what it says about the crew must not be missed; reading it again tells what is wrong with it
    return isinstance(tools, dict) and not tools.keys().isdisjoint(TOOLS)


def names_in(path: Path) -> list[str]:
    """Name the crews of a project: those that its configuration names with a `target`, else the project itself."""
    named = [name for table in tables(root_of(path)) for name in targets(table)] if path.is_dir() else []
    return list(dict.fromkeys(named)) or [_name(path)]


def targets(table: Table) -> dict[str, str]:
    """Map the crews that a table names to where they are."""
    crews = table.content.get("crews", {})
    named = crews.items() if isinstance(crews, Mapping) else ()
    return {name: crew["target"] for name, crew in named if isinstance(crew, Mapping) and "target" in crew}


def _name(path: Path) -> str:
    if path.is_file() and path.stem not in PLAIN_STEMS:
        return path.stem
    root = root_of(path)
    project = pyproject(root).get("project")
    name = project.get("name") if isinstance(project, dict) else None
    return name if isinstance(name, str) and name else root.name


def tables(root: Path) -> list[Table]:
    """Read a project's configuration, the place that counts less first, or raise `BadProject`."""
    return list(_tables(root))


def _tables(root: Path) -> Iterator[Table]:
    tools = pyproject(root).get("tool")
    if isinstance(tools, dict) and "quarterdeck" in tools:
        yield Table(f"{PYPROJECT} [tool.quarterdeck]", _table(tools["quarterdeck"], "[tool.quarterdeck]"))
    if (root / OWN_FILE).is_file():
        yield Table(OWN_FILE, read_toml(root / OWN_FILE))


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadProject(f"{where} must be a table.")
    return value


def pyproject(root: Path) -> dict[str, Any]:
    """Read a project's `pyproject.toml`; without one it is empty."""
    return read_toml(root / PYPROJECT) if (root / PYPROJECT).is_file() else {}


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, or raise `BadProject`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadProject(f"{path} cannot be read: {error}") from error
