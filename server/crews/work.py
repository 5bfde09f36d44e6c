"""A task of an execution from start to end: its stored output, its plan, its gates, its events."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from crewai import Crew, Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.tasks.task_output import TaskOutput

from protocol.events import TaskCompleted, TaskFailed, TaskSkipped, TaskStarted
from server.crews import files, outputs
from server.crews.faults import crew_failed, readable
from server.crews.gate import SKIPPED, hold_before
from server.crews.human_input import Discarded
from server.crews.names import role
from server.crews.run import TASK, Run
from server.crews.scopes import scope
from server.crews.tasks import TaskRun
from server.crews.team import Team

#: What `Task.aexecute_sync` is: the task, its agent, its context and its tools to its output.
Execute = Callable[[Task, BaseAgent | None, str | None, list[Any] | None], Awaitable[TaskOutput]]
PLAN = "plan"
GIVEN_UP = "It was given up."


async def work_on(
    run: Run, mine: TaskRun, execute: Execute, agent: BaseAgent | None, context: str | None, tools: list[Any] | None
) -> TaskOutput:
    """Do a task once and for all: a second attempt gets the recorded output, or goes straight to its checkpoint."""
    run.check()
    token = TASK.set(mine)
    try:
        return await _done(run, mine, execute, agent or mine.task.agent, context, tools)
    except asyncio.CancelledError:
        if run.is_given_up():
            run.emit(TaskSkipped(task=mine.name, index=mine.index, message=GIVEN_UP), once=mine.step("failed"))
        raise
    except Exception as error:
        run.emit(TaskFailed(task=mine.name, index=mine.index, message=readable(error)), once=mine.step("failed"))
        failure = crew_failed(error, mine.name, model=_blames_model(run, error))
        if mine.team.scope:  # whoever kicked the crew off may handle it
            run.blame(error, failure)
        else:
            run.break_off(failure)
        raise
    except BaseException as end:  # a person's stop, or an unwinding
        run.break_off(end)
        raise
    finally:
        TASK.reset(token)


def _blames_model(run: Run, error: Exception) -> bool:
    return run.model_error is not None and run.model_error in str(error)


async def _done(
    run: Run, mine: TaskRun, execute: Execute, agent: BaseAgent | None, context: str | None, tools: list[Any] | None
) -> TaskOutput:
    await mine.team.settle()
    mine.task.agent = agent
    mine.prepared_tools = list(tools or mine.task.tools or [])
    if (stored := outputs.load(run.journal.recall(mine.step("output")))) is not None:
        await files.restore(run, mine, output := _stored(mine, stored))
        return output
    await _plan(run, mine.team)
    if agent is not None:
        context = await hold_before(run, mine, agent, context)
    output = await _output(run, mine, execute, agent, context, tools)
    mine.task.output = mine.result = output
    await files.write(run, mine)
    await _record(run, mine, output)
    return output


def _stored(mine: TaskRun, stored: outputs.Stored) -> TaskOutput:
    output = mine.take_up(stored)
    mine.skipped = "Skipped before." if stored.skipped else None
    mine.task.output = mine.result = output
    return output


async def _output(
    run: Run, mine: TaskRun, execute: Execute, agent: BaseAgent | None, context: str | None, tools: list[Any] | None
) -> TaskOutput:
    if mine.skipped:
        return outputs.empty(mine.task, role(agent) or "")
    if (draft := outputs.load(run.journal.recall(mine.step("draft", 1)))) is not None:
        mine.task.prompt_context = context
        return await _conclude(mine.team.crew, mine, mine.take_up(draft))
    mine.start_clock()
    started = TaskStarted(task=mine.name, index=mine.index, agent=role(agent), round=1)
    run.emit(started, once=mine.step("started", 1))
    try:
        with mine.round(1):
            return await execute(mine.task, agent, context, tools)
    except Discarded:
        mine.skipped = SKIPPED
        return outputs.empty(mine.task, role(agent) or "")


async def _conclude(crew: Crew, mine: TaskRun, output: TaskOutput) -> TaskOutput:
    """Do what crewai does with a fresh output, for one that an earlier attempt drafted: callbacks, then the file."""
    task = mine.task
    task.output = output
    for callback in (task.callback, crew.task_callback):
        if callback is not None and inspect.isawaitable(result := callback(output)):
            await result
    if task.output_file:
        task._save_file(files.content_of(output))
    return output


async def _record(run: Run, mine: TaskRun, output: TaskOutput) -> None:
    mine.stop_clock()
    event: TaskSkipped | TaskCompleted
    if mine.skipped:
        event = TaskSkipped(task=mine.name, index=mine.index, message=mine.skipped)
    else:
        event = _completed(mine, output)
    value = outputs.dump(output, mine.work(), skipped=bool(mine.skipped))
    await run.record(mine.step("output"), value, event=event)


def _completed(mine: TaskRun, output: TaskOutput) -> TaskCompleted:
    value = outputs.structure(output)
    return TaskCompleted(
        task=mine.name,
        index=mine.index,
        agent=role(mine.task.agent),
        output=output.raw,
        output_json=msgspec.UNSET if value is None else value,
        usage=mine.usage,
        seconds=round(mine.seconds, 3),
        edited=mine.edited,
        file=mine.file,
    )


async def _plan(run: Run, team: Team) -> None:
    """Let a crew with `planning` plan its tasks, in a thread: crewai's planner refuses to run on an event loop."""
    async with team.planning:
        planner, team.planner = team.planner, None
        if planner is None:
            return
        if (recorded := run.journal.recall(f"{team.scope}{PLAN}")) is None:
            with scope(f"{team.scope}{PLAN}"):
                await asyncio.to_thread(planner)
            descriptions = [task.description for task in team.crew.tasks]
            await run.record(f"{team.scope}{PLAN}", msgspec.json.encode(descriptions))
        else:
            for task, description in zip(team.crew.tasks, msgspec.json.decode(recorded, type=list[str]), strict=True):
                task.description = description


def skip_unmet(run: Run, mine: TaskRun, output: TaskOutput) -> TaskOutput:
    """Note that a task's condition was not met; an output that an earlier attempt recorded stands all the same."""
    stored = outputs.load(run.journal.recall(mine.step("output")))
    if stored is not None:
        return _stored(mine, stored)
    mine.team.unmet(mine, output)
    return output
