"""Importing the modules of a project, once in a process, and never those of another under the same name."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import structlog

from server.crews.faults import readable
from server.crews.loading.faults import Unloadable
from server.crews.loading.imports import own_modules
from server.crews.suggestion import suggestion

log = structlog.get_logger()


def importable(names: Iterable[str], roots: Sequence[Path]) -> dict[str, Path]:
    """Make a project's modules importable, and give those that these names lead to: name to file.

    The folders come last in `sys.path`: no project can put something in a library's place. Raises `Unloadable` when
    one of its own modules would come from elsewhere.
    """
    sys.path += [str(root) for root in roots if str(root) not in sys.path]
    importlib.invalidate_caches()
    own = own_modules(names, roots)
    for name in own:
        if "." not in name and name not in sys.builtin_module_names:
            _check(name, own[name], _places(_spec(name)))
    return own


def _spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _places(spec: ModuleSpec | None) -> set[Path]:
    if spec is None:
        return set()
    inside = [Path(folder) / "__init__.py" for folder in spec.submodule_search_locations or ()]
    return {path.resolve() for path in (*inside, *([Path(spec.origin)] if spec.origin else []))}


def _check(name: str, mine: Path, places: set[Path]) -> None:
    if mine.resolve() not in places:
        other = f"from {min(places)}" if places else "from nowhere"
        raise Unloadable(
            f"Its module {name!r} would come {other}, not from {mine}: two projects in one process cannot both have "
            "such a module. Rename one, or serve the projects by processes of their own."
        )


def check_loaded(own: Mapping[str, Path]) -> None:
    """Refuse a project that was given a module of another, where packages are spread over several folders."""
    for name, mine in own.items():
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            _check(name, mine, {Path(file).resolve()})


def imported(name: str) -> ModuleType:
    """Import a module, or raise `Unloadable`. Its code is its author's: it may raise anything."""
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        log.exception("crew module does not import", module=name)
        raise Unloadable(f"{name} does not import: {type(error).__name__}: {readable(error)}") from None


def attribute(module: ModuleType, path: str) -> Any:
    """Find `Class.attribute` in a module, or raise `Unloadable`."""
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise Unloadable(f"{module.__name__} has no {path!r}{suggestion(path, _public(found))}")
        found = getattr(found, part)
    return found


def _public(found: Any) -> list[str]:
    own = getattr(found, "__name__", None)
    return [name for name, value in vars(found).items() if getattr(value, "__module__", None) == own]
