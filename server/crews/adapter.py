"""A crew as the engine runs it: built afresh, kicked off under a journal, ended as a whole."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import anyio
from crewai import Crew
from crewai.crews.crew_output import CrewOutput
from crewai.events.event_context import EventContextConfig, MismatchBehavior, _event_context_config
from crewai.events.stream_context import add_stream_sink
from crewai_core.printer import set_suppress_console_output

from protocol import objects
from server.crews.faults import crew_failed
from server.crews.fresh import gated, hushed, quietly
from server.crews.inputs import escaping, missing
from server.crews.names import role, task_names
from server.crews.places import set_places
from server.crews.progress import Progress
from server.crews.run import RUN, Run
from server.runnable import CrewFailed, Journal, Outcome


class CrewAdapter:
    """A registered crew that loaded."""

    def __init__(self, build: Callable[[], Crew], description: objects.Crew) -> None:
        self._build = build
        self._description = description
        self._building = anyio.Lock()

    def describe(self) -> objects.Crew:
        """Describe the crew for the catalogue."""
        return self._description

    async def run(self, journal: Journal) -> Outcome:
        """Run a fresh crew once. Raises `Stopped` or `CrewFailed`; cancelling it ends all that it started."""
        if lacking := missing(self._description.inputs, journal.inputs):
            raise CrewFailed("missing_inputs", f"The crew needs {', '.join(lacking)}.")
        run = await self._prepared(journal)
        kickoff = asyncio.create_task(_kickoff(run), name=f"crew {journal.execution}")
        try:
            await asyncio.wait((kickoff, run.broken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            with anyio.CancelScope(shield=True):
                await run.close(kickoff)
        return _ended(run, kickoff)

    async def _prepared(self, journal: Journal) -> Run:
        crew = await self._fresh()
        if leading_out := escaping(crew, journal.inputs):
            raise CrewFailed("bad_input", f"{leading_out[0]} is part of a file name: no slash, backslash or '..'.")
        run = Run(journal, crew, task_names(crew.tasks))
        set_places(run.tasks, self._description.checkpoints, journal.checkpoints)
        gated(run)
        return run

    async def _fresh(self) -> Crew:
        """Build in a thread, for it may read files for a while, and one at a time, for it is not our code."""
        async with self._building:
            try:
                return hushed(await asyncio.to_thread(quietly, self._build))
            except Exception as error:
                raise crew_failed(error, None) from error


async def _kickoff(run: Run) -> Outcome:
    """Kick the crew off, in a context of its own."""
    RUN.set(run)
    add_stream_sink(Progress(run))
    set_suppress_console_output(True)
    silent = MismatchBehavior.SILENT  # a stopped crew leaves events without their ends
    _event_context_config.set(EventContextConfig(mismatch_behavior=silent, empty_pop_behavior=silent))
    try:
        result = await run.crew.akickoff(inputs=dict(run.journal.inputs))
    except Exception as error:
        await run.settle()
        if all(mine.skipped for mine in run.tasks):  # crewai takes it for an error that nothing was done
            return Outcome(output="", tasks=_tasks(run))
        raise crew_failed(error, None) from error
    await run.settle()
    assert isinstance(result, CrewOutput), "streaming of the whole crew is switched off"
    return Outcome(output=result.raw, output_json=_json(result), tasks=_tasks(run))


def _json(result: CrewOutput) -> Any:
    return result.pydantic.model_dump(mode="json", fallback=str) if result.pydantic else result.json_dict


def _tasks(run: Run) -> tuple[objects.TaskOutput, ...]:
    return tuple(
        objects.TaskOutput(task=mine.name, agent=role(mine.task.agent), output=mine.result.raw)
        for mine in run.tasks
        if mine.result is not None
    )


def _ended(run: Run, kickoff: "asyncio.Task[Outcome]") -> Outcome:
    """Give what came out, or raise what broke it first. Tracebacks of a stop are dropped: they hold the whole crew."""
    if run.broken.done():
        _raise(run.broken.result())
    if kickoff.cancelled():
        raise CrewFailed("crew_failed", "The crew was cancelled from inside.")
    if (error := kickoff.exception()) is not None:
        _raise(error)
    return kickoff.result()


def _raise(error: BaseException) -> NoReturn:
    if isinstance(error, Exception):
        raise error
    raise error.with_traceback(None)
