"""From what an operator registered to what the engine runs, or to the reason why it cannot."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import structlog
from crewai import Crew
from crewai.flow.flow import Flow

from protocol import objects
from server import projects
from server.crews.adapter import CrewAdapter
from server.crews.faults import readable
from server.crews.fresh import quietly
from server.crews.loading import configuration, manifest
from server.crews.loading.catalogue import broken, describe
from server.crews.loading.faults import Unloadable
from server.crews.loading.finding import Found, find
from server.crews.loading.flows import flow_runnable
from server.crews.loading.locating import Place, inside, place_of
from server.crews.loading.tools import tools_of
from server.crews.loading.upkeep import kept_true
from server.crews.names import task_names
from server.crews.process import prepare_library
from server.projects import BadProject, Table
from server.runnable import Runnable

log = structlog.get_logger()


class Loader:
    """Loads the crews of one process. `homes`: each crew's project; `complaints`: projects that cannot be used.

    `config` is the operator's file about crews.
    """

    def __init__(
        self,
        registrations: Mapping[str, str],
        homes: Mapping[str, Path | None],
        complaints: Mapping[Path, str],
        config: Path | None,
    ) -> None:
        self._registrations = registrations
        self._homes = homes
        self._complaints = complaints
        self._config = config

    def load_all(self) -> dict[str, Runnable | objects.Crew]:
        """Load every registered crew; see `server.crews.load`."""
        prepare_library()
        return {name: self._load(name) for name in self._registrations}

    def _load(self, name: str) -> Runnable | objects.Crew:
        """Load one crew. Its code is its author's: whatever it raises (`SystemExit`, too) makes it broken, not us."""
        target = self._registrations[name]
        try:
            return self._adapted(name, target)
        except (Unloadable, BadProject) as error:
            log.warning("crew is broken", crew=name, target=target, reason=str(error))
            return broken(name, str(error))
        except (Exception, SystemExit) as error:
            log.exception("crew is broken", crew=name, target=target)
            return broken(name, f"{target} cannot be built: {type(error).__name__}: {readable(error)}")
        finally:
            prepare_library()  # what was just imported may have plugged crewai's listener in again

    def _adapted(self, name: str, target: str) -> Runnable:
        home = self._homes[name]
        if home is not None and home in self._complaints:
            raise Unloadable(self._complaints[home])
        said = configuration.said_about(name, self._files(home), self._siblings(home))
        found = find(self._place(target, home, configuration.target_in(said)))
        return adapt(name, found, [configuration.constant(found.constant), *said], home)

    def _files(self, home: Path | None) -> list[Table]:
        """Read what is said about the crews of a project, the place that counts less first."""
        own = projects.tables(home) if home else []
        return [*own, Table(str(self._config), projects.read_toml(self._config))] if self._config else own

    def _siblings(self, home: Path | None) -> Collection[str]:
        return [name for name, other in self._homes.items() if other == home]

    def _place(self, target: str, home: Path | None, said: Table | None) -> Place:
        """Find the place: a path that is a project leaves it to the project's configuration."""
        if said is None or home is None or projects.is_module(target) or Path(target).is_file():
            return place_of(target, home)
        return inside(home, str(said.content["target"]), said.where)


def adapt(name: str, found: Found, said: list[Table], root: Path | None) -> Runnable:
    """Build the crew or flow once, to describe it, and give it as something that runs."""
    made = quietly(found.build)
    steps = [str(step) for step in made._definition.methods] if isinstance(made, Flow) else task_names(made.tasks)
    registration = configuration.registration_of(said, steps, tools_of(made))
    registration = replace(registration, title=registration.title or found.title)
    parts = manifest.manifest(found.files, root, registration, made)
    build = kept_true(found, root, parts, manifest.texts(made))
    if isinstance(made, Flow):
        flow = cast("Callable[[], Flow[Any]]", build)
        return flow_runnable(name, flow, made, registration, found.summary, parts)
    description = describe(name, made, registration, found.summary, found.defaults, manifest.version(parts))
    crew = cast("Callable[[], Crew]", build)
    return CrewAdapter(crew, description, registration=registration, manifest=parts)
