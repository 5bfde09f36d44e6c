"""Crews and flows that are files: JSON, with comments if they like, or YAML."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml
from crewai import Crew
from crewai.flow.flow import Flow
from crewai.project.crew_loader import load_crew, load_crew_from_definition
from crewai.project.json_loader import JSONProjectError, find_json_project_file, parse_jsonc

from server import projects
from server.crews.loading.building import Build
from server.crews.loading.faults import Unloadable

CUSTOM_TOOL = re.compile(r"custom:(\w+)")
#: CrewAI's own name for a Python object in a definition: `{"python": "module.attr"}`.
PYTHON = "python"


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A crew or flow from a file. `files`: it and what it refers to; `modules`: names of the Python that it uses."""

    build: Build
    title: str = ""
    summary: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    modules: tuple[str, ...] = ()


def read_definition(file: Path) -> Definition:
    """Read a crew's or a flow's file, or raise `Unloadable`."""
    content = _content(file)
    if "methods" in content:
        return _flow(file, content)
    if "agents" in content and "tasks" in content:
        return _crew(file, content)
    raise Unloadable(f"{file} is neither a crew, with agents and tasks, nor a flow, with methods.")


def _content(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        content = parse_jsonc(text, file) if file.suffix in (".json", ".jsonc") else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError, JSONProjectError) as error:
        raise Unloadable(f"{file} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise Unloadable(f"{file} holds no table of keys and values.")
    return content


def _crew(file: Path, content: dict[str, Any]) -> Definition:
    defaults = content.get("inputs") or {}
    if not isinstance(defaults, dict):
        raise Unloadable(f"{file}: 'inputs' must be a table of default values.")
    files = (file, *_agents(file.parent, content))
    parts = [content, *(_content(agent) for agent in files[1:])]
    return Definition(
        build=_with(defaults, _loading(file, content)),
        title=str(content.get("name") or ""),
        defaults=defaults,
        files=files,
        modules=tuple(module for part in parts for module in _modules(part)),
    )


def _loading(file: Path, content: dict[str, Any]) -> Callable[[], tuple[Any, Any]]:
    """Choose crewai's loader: agents in files of their own, or within the definition."""
    agents = content["agents"]
    if isinstance(agents, list) and all(isinstance(name, str) for name in agents):
        if file.suffix in (".json", ".jsonc"):
            return lambda: load_crew(file)
        raise Unloadable(f"{file}: in YAML, the agents stand in the crew's file, each under its name.")
    return lambda: load_crew_from_definition(_content(file), source=file, project_root=file.parent)


def _with(defaults: Mapping[str, Any], load: Callable[[], tuple[Any, Any]]) -> Callable[[], Crew]:
    """Build the crew so that inputs which nobody gave have their defaults, before the crew's own code sees them."""

    def fill_in(inputs: dict[str, Any] | None) -> dict[str, Any]:
        return {**defaults, **(inputs or {})}

    def build() -> Crew:
        crew, _ = load()
        assert isinstance(crew, Crew), "crewai's loader makes crews"
        if defaults:
            crew.before_kickoff_callbacks.insert(0, fill_in)
        return crew

    return build


def _agents(folder: Path, content: Mapping[str, Any]) -> list[Path]:
    names = [*_texts(content["agents"]), content.get("manager_agent")]
    found = [find_json_project_file(folder / "agents", name) for name in names if isinstance(name, str)]
    return list(dict.fromkeys(file for file in found if file is not None))


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _flow(file: Path, content: dict[str, Any]) -> Definition:
    files = [file, *_referred(file, content)]
    parts = [content, *(_content(other) for other in files[1:])]
    return Definition(
        build=lambda: cast("Flow[Any]", Flow.from_declaration(path=file)),
        title=str(content.get("name") or ""),
        summary=str(content.get("description") or "").strip().partition("\n")[0],
        files=tuple(files),
        modules=tuple(module for part in parts for module in _modules(part)),
    )


def _referred(file: Path, content: Mapping[str, Any]) -> list[Path]:
    """Find the crews' files that a flow names, and those of their agents."""
    named = [value for value in _leaves(content) if isinstance(value, str) and value.endswith(projects.DEFINITIONS)]
    crews = [path for name in named if (path := (file.parent / name).resolve()).is_file()]
    contents = [_content(crew) for crew in crews]
    agents = [_agents(crew.parent, part) for crew, part in zip(crews, contents, strict=True) if "agents" in part]
    return list(dict.fromkeys([*crews, *(agent for several in agents for agent in several)]))


def _modules(value: Any) -> Iterator[str]:
    """Name the modules that a definition refers to, in each of CrewAI's ways."""
    for leaf in _leaves(value):
        if isinstance(leaf, tuple):
            yield leaf[0].rpartition(".")[0]
        elif isinstance(leaf, str) and (tool := CUSTOM_TOOL.fullmatch(leaf)):
            yield f"tools.{tool[1]}"
        elif isinstance(leaf, str) and projects.is_module(leaf):
            yield leaf.partition(":")[0]


def _leaves(value: Any) -> Iterator[Any]:
    """Give all that is not a table or a list; a reference to a Python object as a tuple of one."""
    if isinstance(value, Mapping):
        if value.keys() == {PYTHON} and isinstance(value[PYTHON], str):
            yield (value[PYTHON],)
        else:
            for item in value.values():
                yield from _leaves(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
