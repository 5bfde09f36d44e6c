"""From what an operator registered to the place where the crew is: a module's attribute, or a file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crewai.project.json_loader import find_crew_json_file
from crewai_core.project import ProjectDefinitionError, configured_project_definition, get_crewai_project_type

from server import projects
from server.crews.loading.faults import Unloadable
from server.crews.loading.imports import file_of

#: Entry points that `crewai create` writes into `[project.scripts]`: what stands before the colon is the main module.
SCRIPTS = ("kickoff", "run_crew")
#: Where the two kinds of Python project keep what is run, the likelier first.
CREW_MODULES, FLOW_MODULES = ("crew", "main"), ("main", "flow", "crew")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a crew is: in `file`, or in the first of `modules` that holds one, there as `attr` if it has it.

    `root`: the project's folder; None for a crew of no project, from an installed package.
    """

    root: Path | None
    file: Path | None = None
    modules: tuple[str, ...] = ()
    attr: str | None = None

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders where the project's modules are."""
        if self.root is None:
            return ()
        beside = (self.file.parent,) if self.file else ()
        folders = (self.root / "src", self.root, *beside)
        return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def place_of(target: str, root: Path | None) -> Place:
    """Find the place that a target means, or raise `Unloadable`."""
    if projects.is_module(target):
        module, _, attr = target.partition(":")
        return Place(root=root, modules=(module,), attr=attr)
    path = Path(target)
    if not path.is_absolute():
        raise Unloadable(f"{target!r} is not of the form 'module:attr', nor the path of a project.")
    try:
        path = projects.checked(path)
    except projects.BadProject as error:
        raise Unloadable(str(error)) from None
    return Place(root=root, file=path) if path.is_file() else _in_project(path)


def inside(root: Path, target: str, where: str) -> Place:
    """Find the place that a project's own configuration means: `module:attr`, or a file of the project."""
    if projects.is_module(target):
        return place_of(target, root)
    file = (root / target).resolve()
    if not file.is_file() or not file.is_relative_to(root):
        raise Unloadable(f"{where}: the target {target!r} is neither 'module:attr' nor a file of the project.")
    return place_of(str(file), root)


def _in_project(root: Path) -> Place:
    """Read the layout that `crewai create` makes: a definition in a file, or a package under `src`."""
    content = projects.pyproject(root)
    kind = get_crewai_project_type(content)
    if kind not in (None, "crew", "flow"):
        raise Unloadable(f"{root}: [tool.crewai] type is {kind!r}; only 'crew' and 'flow' can be run.")
    if file := _definition(root, kind, content):
        return Place(root=root, file=file)
    candidates = _modules(root, kind, content)
    if not candidates and (json := find_crew_json_file(root)):
        return Place(root=root, file=json.resolve())
    if not candidates:
        raise Unloadable(f"{root} has no crew: no [tool.crewai] definition, no crew.jsonc, no src/PACKAGE/crew.py.")
    return Place(root=root, modules=tuple(candidates))


def _definition(root: Path, kind: str | None, content: dict[str, Any]) -> Path | None:
    if kind is None:
        return None
    try:
        return configured_project_definition(kind, pyproject_data=content, project_root=root)
    except ProjectDefinitionError as error:
        raise Unloadable(str(error)) from None


def _modules(root: Path, kind: str | None, content: Mapping[str, Any]) -> list[str]:
    roots = (root / "src", root)
    last = FLOW_MODULES if kind == "flow" else CREW_MODULES
    names = [f"{package}.{module}" for package in _packages(root, content) for module in last]
    return [name for name in dict.fromkeys(names) if file_of(name, roots)]


def _packages(root: Path, content: Mapping[str, Any]) -> Sequence[str]:
    """Guess the package's name: from the entry points, else from the project's name, else the only one there is."""
    project = content.get("project")
    project = project if isinstance(project, dict) else {}
    scripts = project.get("scripts")
    scripts = scripts if isinstance(scripts, dict) else {}
    entries = [str(scripts[key]) for key in SCRIPTS if key in scripts]
    named = [entry.partition(":")[0].rpartition(".")[0] for entry in entries]
    spelt = re.sub(r"\W+", "_", str(project.get("name") or root.name)).lower()
    return [name for name in (*named, spelt, *_only_package(root / "src")) if name]


def _only_package(source: Path) -> list[str]:
    packages = [file.parent.name for file in sorted(source.glob("*/__init__.py"))]
    return packages if len(packages) == 1 else []
