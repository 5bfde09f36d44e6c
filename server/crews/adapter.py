"""A crew as the engine runs it: built afresh, kicked off under a journal, ended as a whole."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from crewai import Crew
from crewai.crews.crew_output import CrewOutput

from protocol import objects
from server.crews.beginning import begin
from server.crews.driver import drive
from server.crews.faults import crew_failed
from server.crews.fresh import gated, hushed, quietly
from server.crews.inputs import escaping, missing
from server.crews.names import role, task_names
from server.crews.places import set_places
from server.crews.registration import Registration
from server.crews.run import Run
from server.crews.team import Team
from server.runnable import CrewFailed, Journal, Limits, Outcome


class CrewAdapter:
    """A registered crew that loaded.

    `manifest`: the parts of its code and texts, each with a hash; `build` may renew it, to be that of what it built.
    """

    def __init__(
        self,
        build: Callable[[], Crew],
        description: objects.Crew,
        *,
        registration: Registration | None = None,
        manifest: Mapping[str, str] | None = None,
    ) -> None:
        self._build = build
        self._description = description
        self._registration = registration or Registration()
        self._manifest = manifest or {}
        self._building = anyio.Lock()

    def describe(self) -> objects.Crew:
        """Describe the crew for the catalogue."""
        return self._description

    def limits(self) -> Limits:
        """Give the bounds that its registration sets."""
        return self._registration.limits()

    async def run(self, journal: Journal) -> Outcome:
        """Run a fresh crew once; see `Runnable.run`."""
        if lacking := missing(self._description.inputs, journal.inputs):
            raise CrewFailed("missing_inputs", f"The crew needs {', '.join(lacking)}.")
        run, team, manifest = await self._prepared(journal)

        async def body() -> Outcome:
            await begin(run, manifest)
            return await _kickoff(team, journal.inputs)

        return await drive(run, body)

    async def _prepared(self, journal: Journal) -> tuple[Run, Team, Mapping[str, str]]:
        crew, manifest = await self._fresh()
        if leading_out := escaping(crew, journal.inputs):
            raise CrewFailed("bad_input", f"{leading_out[0]} is part of a file name: no slash, backslash or '..'.")
        run = Run(journal, self._registration, self._description.name)
        team = Team(journal, crew, task_names(crew.tasks))
        run.teams.append(team)
        run.reserve(len(team.tasks))
        set_places(team.tasks, self._description.checkpoints, journal.checkpoints)
        gated(run, team)
        return run, team, manifest

    async def _fresh(self) -> tuple[Crew, Mapping[str, str]]:
        """Build in a thread, for it may read files for a while, and one at a time, for it is not our code."""
        async with self._building:
            try:
                crew = hushed(await asyncio.to_thread(quietly, self._build))
                return crew, dict(self._manifest)
            except Exception as error:
                raise crew_failed(error, None) from error


async def _kickoff(team: Team, inputs: Mapping[str, Any]) -> Outcome:
    try:
        result = await team.crew.akickoff(inputs=dict(inputs))
    except Exception as error:
        await team.settle()
        if all(mine.skipped for mine in team.tasks):  # crewai takes it for an error that nothing was done
            return Outcome(output="", tasks=_tasks(team))
        raise crew_failed(error, None) from error
    await team.settle()
    assert isinstance(result, CrewOutput), "streaming of the whole crew is switched off"
    return Outcome(output=result.raw, output_json=_json(result), tasks=_tasks(team))


def _json(result: CrewOutput) -> Any:
    return result.pydantic.model_dump(mode="json", fallback=str) if result.pydantic else result.json_dict


def _tasks(team: Team) -> tuple[objects.TaskOutput, ...]:
    return tuple(
        objects.TaskOutput(task=mine.name, agent=role(mine.task.agent), output=mine.result.raw)
        for mine in team.tasks
        if mine.result is not None
    )
