"""The door to what runs flows."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from crewai.flow.flow import Flow

from server.crews.flows import adapt_flow, describe_flow
from server.crews.loading.manifest import version
from server.crews.registration import Registration
from server.runnable import Runnable


def flow_runnable(
    name: str,
    build: Callable[[], Flow[Any]],
    flow: Flow[Any],
    registration: Registration,
    summary: str,
    manifest: Mapping[str, str],
) -> Runnable:
    """Describe a flow that loaded, and give it as something that runs. `flow` is the first that was built."""
    description = describe_flow(name, flow, registration, summary)
    described = msgspec.structs.replace(description, version=version(manifest))
    return adapt_flow(build, described, registration, manifest)
