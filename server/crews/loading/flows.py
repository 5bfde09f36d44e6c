"""The door to what runs flows."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
from crewai.flow.flow import Flow

from server.crews.loading.faults import Unloadable
from server.crews.loading.manifest import version
from server.crews.registration import Registration
from server.runnable import Runnable

#: Where flows are described and run: `describe_flow` and `adapt_flow`.
ADAPTER = "server.crews.flows"


def flow_runnable(
    name: str,
    build: Callable[[], "Flow[Any]"],
    flow: "Flow[Any]",
    registration: Registration,
    summary: str,
    manifest: Mapping[str, str],
) -> Runnable:
    """Describe a flow that loaded, and give it as something that runs. `flow` is the first that was built."""
    flows = _adapter()
    description = flows.describe_flow(name, flow, registration, summary)
    described = msgspec.structs.replace(description, version=version(manifest))
    return cast("Runnable", flows.adapt_flow(build, described, registration, manifest))


def _adapter() -> Any:
    try:
        return importlib.import_module(ADAPTER)
    except ModuleNotFoundError as error:
        if error.name != ADAPTER:
            raise
        raise Unloadable("It is a flow; only crews can be run.") from None
