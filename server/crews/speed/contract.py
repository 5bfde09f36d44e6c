"""What a cut relies on: functions of others, each known by a digest of its source."""

import hashlib
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import structlog

log = structlog.get_logger()


def broken(cut: str, relies_on: Mapping[str, str]) -> list[str]:
    """Name the functions that are not what they were, and log that the cut is left out for it."""
    changed = [path for path, known in relies_on.items() if digest(path) != known]
    if changed:
        log.warning(
            "CrewAI has changed: crews run without one of Quarterdeck's accelerations.", cut=cut, changed=changed
        )
    return changed


def digest(path: str) -> str | None:
    """Give the digest of the source of a function `module:name.name`, wraps aside; None where there is no source."""
    try:
        source = inspect.getsource(inspect.unwrap(_found(path)))
    except (ImportError, AttributeError, OSError, TypeError):
        return None
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def replace(owner: Any, name: str, replacement: Any) -> None:
    """Put a replacement of ours into a module or class of somebody else's."""
    setattr(owner, name, replacement)


def _found(path: str) -> Any:
    module, _, names = path.partition(":")
    found: Any = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found
