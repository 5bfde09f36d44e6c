"""From what was registered to a function that builds a crew or a flow afresh, as often as it is run."""

import inspect
from collections.abc import Callable
from copy import deepcopy
from types import ModuleType
from typing import Any, cast

from crewai import Crew
from crewai.flow.flow import Flow

from server.crews.loading.copying import copied
from server.crews.loading.faults import Unloadable
from server.crews.suggestion import listed

Build = Callable[[], "Crew | Flow[Any]"]


def builder(attr: Any) -> Build:
    """Make a function that builds a fresh crew or flow of what was registered, or raise `Unloadable`."""
    if isinstance(attr, Crew):
        return lambda: copied(attr)
    if isinstance(attr, Flow):
        return _again(attr)
    if inspect.iscoroutinefunction(attr):
        raise Unloadable("It is a coroutine function; a factory must be a plain function that returns a Crew or Flow.")
    if not callable(attr):
        raise Unloadable(
            f"It is of type {type(attr).__name__}; expected a Crew, a @CrewBase class, a Flow or a factory."
        )
    return lambda: _made(attr())


def _again(flow: "Flow[Any]") -> Build:
    """Build a flow anew from the fields that its author set: a flow that has run remembers what it did."""

    def fields() -> dict[str, Any]:
        own = {name: vars(flow)[name] for name in flow.model_fields_set if name in vars(flow)}
        return {**own, "initial_state": deepcopy(flow.initial_state)}

    if type(flow) is Flow:
        return lambda: cast("Flow[Any]", Flow.from_declaration(contents=flow._definition, **fields()))
    return lambda: type(flow)(**fields())


def _made(made: Any) -> "Crew | Flow[Any]":
    found = made
    if not isinstance(made, Crew | Flow) and callable(getattr(made, "crew", None)):
        found = made.crew()
    if not isinstance(found, Crew | Flow):
        raise Unloadable(f"It gives an object of type {type(found).__name__}, and not a Crew or a Flow.")
    return found


def only_one(module: ModuleType) -> Any:
    """Find the one class that a module defines to be run, a `@CrewBase` class or a flow; None when it has none."""
    own = [value for value in vars(module).values() if _runs(value) and value.__module__ == module.__name__]
    if len(own) > 1:
        raise Unloadable(
            f"{module.__name__} has {listed(value.__name__ for value in own)}. Say which one is meant: "
            f'target = "{module.__name__}:{own[0].__name__}" in [tool.quarterdeck] of pyproject.toml.'
        )
    return own[0] if own else None


def _runs(value: Any) -> bool:
    return inspect.isclass(value) and (getattr(value, "is_crew_class", False) or issubclass(value, Flow))
