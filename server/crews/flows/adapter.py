"""A flow as the engine runs it: built afresh, kicked off under a journal, ended as a whole."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from crewai.flow.runtime import Flow

from protocol import objects
from server.crews.beginning import begin
from server.crews.driver import drive
from server.crews.faults import crew_failed
from server.crews.flows.bodies import BODIES, Bodies
from server.crews.flows.catalogue import methods_of
from server.crews.flows.places import check_places
from server.crews.flows.results import structure, text
from server.crews.fresh import quietly
from server.crews.inputs import missing
from server.crews.registration import Registration
from server.crews.run import Run
from server.runnable import CrewFailed, Journal, Limits, Outcome, Runnable


def adapt_flow(
    build: Callable[[], Flow[Any]],
    description: objects.Crew,
    registration: Registration,
    manifest: Mapping[str, str] | None = None,
) -> Runnable:
    """Make a flow something that runs."""
    return FlowAdapter(build, description, registration, manifest or {})


class FlowAdapter:
    """A registered flow that loaded."""

    def __init__(
        self,
        build: Callable[[], Flow[Any]],
        description: objects.Crew,
        registration: Registration,
        manifest: Mapping[str, str],
    ) -> None:
        self._build = build
        self._description = description
        self._registration = registration
        self._manifest = manifest
        self._building = anyio.Lock()

    def describe(self) -> objects.Crew:
        """Describe the flow for the catalogue."""
        return self._description

    def limits(self) -> Limits:
        """Give the bounds that its registration sets."""
        return self._registration.limits()

    async def run(self, journal: Journal) -> Outcome:
        """Run a fresh flow once; see `Runnable.run`."""
        if lacking := missing(self._description.inputs, journal.inputs):
            raise CrewFailed("missing_inputs", f"The flow needs {', '.join(lacking)}.")
        flow, manifest = await self._fresh()
        run = Run(journal, self._registration, self._description.name)
        run.reserve(len(methods_of(flow)))
        check_places([*methods_of(flow)], self._description.checkpoints, journal.checkpoints)

        async def body() -> Outcome:
            await begin(run, manifest)
            return await _kickoff(run, flow)

        return await drive(run, body)

    async def _fresh(self) -> tuple[Flow[Any], Mapping[str, str]]:
        async with self._building:
            try:
                flow = await asyncio.to_thread(quietly, self._build)
                return flow, dict(self._manifest)
            except Exception as error:
                raise crew_failed(error, None) from error


async def _kickoff(run: Run, flow: Flow[Any]) -> Outcome:
    """Kick it off, with the execution's id as its state's, unless whoever started it names another.

    crewai's own restoring by that id would load what an earlier attempt had left, and run all methods on top of it.
    """
    flow.stream = False
    flow._skip_persistence_restore = "id" not in run.journal.inputs
    BODIES.set(Bodies(run, flow))
    try:
        result = await flow.kickoff_async(inputs={"id": str(run.journal.execution), **run.journal.inputs})
    except Exception as error:
        raise run.blamed(error) or crew_failed(error, None) from error
    return Outcome(output=text(result), output_json=structure(result), tasks=_outputs(flow))


def _outputs(flow: Flow[Any]) -> tuple[objects.TaskOutput, ...]:
    entries = [entry for entry in flow._method_outputs if isinstance(entry, dict)]
    return tuple(objects.TaskOutput(task=str(entry["method"]), output=text(entry["output"])) for entry in entries)
