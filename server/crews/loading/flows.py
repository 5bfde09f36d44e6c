"""The door to what runs flows."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from crewai.flow.flow import Flow

from server.crews.loading.faults import Unloadable
from server.crews.registration import Registration


def flow_runnable(
    name: str,
    build: Callable[[], "Flow[Any]"],
    flow: "Flow[Any]",
    registration: Registration,
    summary: str,
    manifest: Mapping[str, str],
) -> NoReturn:
    """Describe a flow that loaded, and give it as something that runs."""
    raise Unloadable("It is a flow; only crews can be run.")
