"""From `module:attr` to a crew that can be built afresh, as often as it is run."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import structlog
from crewai import Crew
from crewai.flow.flow import Flow

from protocol import objects
from server.crews.adapter import CrewAdapter
from server.crews.catalogue import broken, describe
from server.crews.copying import copied
from server.crews.faults import readable
from server.crews.flows import adapt_flow, describe_flow
from server.crews.flows.catalogue import methods_of
from server.crews.fresh import quietly
from server.crews.names import task_names
from server.crews.process import prepare_library
from server.crews.registration import BadRegistration, read_registration, suggestion
from server.runnable import Runnable

log = structlog.get_logger()


class Unloadable(Exception):
    """Raised when a registration leads to no crew; the message says why, for a person."""


def load_all(registrations: Mapping[str, str], project: Path) -> dict[str, Runnable | objects.Crew]:
    """Load every registered crew; see `server.crews.load`."""
    if str(project) not in sys.path:
        sys.path.append(str(project))
    prepare_library()
    return {name: _load(name, target) for name, target in registrations.items()}


def _load(name: str, target: str) -> Runnable | objects.Crew:
    """Load one crew. Its code is its author's, so whatever it raises (`SystemExit`, too) makes it broken, not us."""
    try:
        module, attr = resolve(target)
        return adapt(name, module, attr)
    except (Unloadable, BadRegistration) as error:
        log.warning("crew is broken", crew=name, target=target, reason=str(error))
        return broken(name, str(error))
    except (Exception, SystemExit) as error:
        log.exception("crew is broken", crew=name, target=target)
        return broken(name, f"{target} cannot be built: {type(error).__name__}: {readable(error)}")
    finally:
        prepare_library()  # what was just imported may have plugged crewai's listener in again


def resolve(target: str) -> tuple[ModuleType, Any]:
    """Import `module:attr`, or raise `Unloadable`."""
    path, colon, name = target.partition(":")
    if not (path and colon and name):
        raise Unloadable(f"{target!r} is not of the form 'module:attr'.")
    module = _imported(path)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise Unloadable(f"{path} has no {name!r}{suggestion(name, _public(found))}")
        found = getattr(found, part)
    return module, found


def _imported(path: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except (Exception, SystemExit) as error:
        log.exception("crew module does not import", module=path)
        raise Unloadable(f"{path} does not import: {type(error).__name__}: {readable(error)}") from None


def _public(found: Any) -> list[str]:
    own = getattr(found, "__name__", None)
    return [name for name, value in vars(found).items() if getattr(value, "__module__", None) == own]


def is_flow(attr: Any) -> bool:
    """Tell whether what was registered is a flow, or a class of flows."""
    return isinstance(attr, Flow) or (inspect.isclass(attr) and issubclass(attr, Flow))


def _adapt_flow(name: str, module: ModuleType, attr: Any) -> Runnable:
    kind = attr if inspect.isclass(attr) else type(attr)
    flow = quietly(kind)
    registration = read_registration(getattr(module, "QUARTERDECK", {}), list(methods_of(flow)))
    return adapt_flow(kind, describe_flow(name, flow, registration, _summary(kind)), registration)


def adapt(name: str, module: ModuleType, attr: Any) -> Runnable:
    """Build the crew once, to describe it, and give it as something that runs."""
    if is_flow(attr):
        return _adapt_flow(name, module, attr)
    build = builder(attr)
    crew = quietly(build)
    registration = read_registration(getattr(module, "QUARTERDECK", {}), task_names(crew.tasks))
    return CrewAdapter(build, describe(name, crew, registration, _summary(attr)), registration=registration)


def builder(attr: Any) -> Callable[[], Crew]:
    """Make a function that builds a fresh crew of what was registered, or raise `Unloadable`."""
    if isinstance(attr, Crew):
        return lambda: copied(attr)
    if inspect.iscoroutinefunction(attr):
        raise Unloadable("It is a coroutine function; a factory must be a plain function that returns a Crew.")
    if not callable(attr):
        raise Unloadable(f"It is of type {type(attr).__name__}; expected a Crew, a @CrewBase class or a factory.")
    return lambda: _crew_of(attr())


def _crew_of(made: Any) -> Crew:
    crew = made
    if not isinstance(made, Crew) and callable(getattr(made, "crew", None)):
        crew = made.crew()
    if not isinstance(crew, Crew):
        raise Unloadable(f"It gives an object of type {type(crew).__name__}, and not a Crew.")
    return crew


def _summary(attr: Any) -> str:
    documented = inspect.isclass(attr) or inspect.isfunction(attr)
    text = attr.__doc__ if documented else None
    return (text or "").strip().partition("\n")[0]
