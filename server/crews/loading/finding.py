"""From a place to a crew or flow that can be built: its code is imported, its files are read."""

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from server.crews.loading.building import Build, builder, only_one
from server.crews.loading.configuration import CONSTANT
from server.crews.loading.definitions import read_definition
from server.crews.loading.faults import Unloadable
from server.crews.loading.locating import Place
from server.crews.loading.modules import attribute, check_loaded, importable, imported
from server.crews.suggestion import listed

#: A definition's own tools are in these modules, and made again for each crew.
TOOLS = "tools."


@dataclass(frozen=True, kw_only=True)
class Found:
    """A crew or flow that can be built.

    `constant`: what its module says of it; `defaults`: of inputs; `files`: what its version is made of,
    and among them `data`: those that every build reads again.
    """

    build: Build
    title: str = ""
    summary: str = ""
    constant: Any = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    files: frozenset[Path] = frozenset()
    data: frozenset[Path] = frozenset()


def find(place: Place) -> Found:
    """Find what is at a place, or raise `Unloadable`."""
    return _in_file(place, place.file) if place.file else _in_modules(place)


def _in_file(place: Place, file: Path) -> Found:
    definition = read_definition(file)
    own = importable(definition.modules, place.roots)
    data = frozenset((*definition.files, *(own[name] for name in own if name.startswith(TOOLS))))
    return Found(
        build=definition.build,
        title=definition.title,
        summary=definition.summary,
        defaults=definition.defaults,
        files=data | frozenset(own.values()),
        data=data,
    )


def _in_modules(place: Place) -> Found:
    for name in place.modules:
        own = importable([name], place.roots)
        module = imported(name)
        check_loaded(own)
        attr = attribute(module, place.attr) if place.attr else only_one(module)
        if attr is not None or place.attr:
            data = frozenset(_configs([*own, name]))
            return Found(
                build=builder(attr),
                summary=_summary(attr),
                constant=getattr(module, CONSTANT, {}),
                files=frozenset(own.values() or _only(module)) | data,
                data=data,
            )
    raise Unloadable(f"There is no @CrewBase class and no Flow in {listed(place.modules)}.")


def _only(module: ModuleType) -> list[Path]:
    """Give the file of a module of no project."""
    file = getattr(module, "__file__", None)
    return [Path(file)] if file else []


def _configs(names: Iterable[str]) -> Iterator[Path]:
    """Find the YAML files of the `@CrewBase` classes in modules."""
    for name in dict.fromkeys(names):
        for value in vars(sys.modules[name]).values() if name in sys.modules else ():
            if inspect.isclass(value) and getattr(value, "is_crew_class", False):
                yield from _yaml_of(value)


def _yaml_of(crew_class: Any) -> Iterator[Path]:
    for path in (crew_class.original_agents_config_path, crew_class.original_tasks_config_path):
        if isinstance(path, str) and (file := crew_class.base_directory / path).is_file():
            yield file


def _summary(attr: Any) -> str:
    documented = inspect.isclass(attr) or inspect.isfunction(attr)
    text = attr.__doc__ if documented else None
    return (text or "").strip().partition("\n")[0]
