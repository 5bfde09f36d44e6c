"""Which project each registered crew belongs to. It is known before crewai is imported, which reads variables then."""

from collections.abc import Mapping
from pathlib import Path

from server import projects
from server.crews.loading.imports import file_of


def homes_of(registrations: Mapping[str, str], project: Path) -> dict[str, Path | None]:
    """Map each crew to the folder of its project. `project`: where modules are looked for."""
    return {name: home_of(target, project) for name, target in registrations.items()}


def home_of(target: str, project: Path) -> Path | None:
    """Give the folder of the project that a target belongs to; None for a module that is in none."""
    if not projects.is_module(target):
        return projects.root_of(Path(target))
    module = target.partition(":")[0]
    if module.partition(".")[0] == __name__.partition(".")[0]:
        return None  # our own demo, wherever it is started
    return project if file_of(module, (project / "src", project)) else None
