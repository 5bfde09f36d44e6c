"""The methods of a flow in an execution: told as tasks, held where a person wants to look, and run once.

What a method's body did is not done again on a later attempt, see `bodies`.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import msgspec
from crewai.flow.runtime import Flow

from protocol.events import TaskCompleted, TaskFailed, TaskSkipped, TaskStarted
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.ways import on_loop_of
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.faults import crew_failed, readable
from server.crews.flows.bodies import BODIES, Bodies
from server.crews.flows.catalogue import methods_of
from server.crews.flows.holding import hold_after, hold_before
from server.crews.flows.kept import kept
from server.crews.flows.methodrun import MethodRun
from server.crews.flows.places import places_at
from server.crews.flows.races import RACE
from server.crews.flows.results import structure, text
from server.crews.nested import wait_for
from server.crews.run import RUN, TASK, Run
from server.crews.scopes import scope

Execute = Callable[..., Awaitable[Any]]


def install() -> None:
    """Wrap the one place where a flow's methods are run, what is done after each, and the kickoffs of a flow."""
    if is_wrapped(Flow._execute_method):
        return
    replace(Flow, "_execute_method", _execute_method(Flow._execute_method))
    replace(Flow, "_persist_method_completion", _persist(Flow._persist_method_completion))
    replace(Flow, "kickoff_async", _kickoff_async(Flow.kickoff_async))
    replace(Flow, "kickoff", _kickoff(Flow.kickoff))


def _ours(flow: Flow[Any]) -> Run | None:
    """Give the execution that a flow's work is part of; crewai has flows of its own, which are left to it."""
    run = RUN.get()
    return None if run is None or type(flow).is_crewai_internal or flow.stream else run


def _kickoff(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def kickoff(self: Flow[Any], *args: Any, **kwargs: Any) -> Any:
        run = _ours(self)
        if run is None or on_loop_of(run):
            return original(self, *args, **kwargs)
        return wait_for(asyncio.run_coroutine_threadsafe(self.kickoff_async(*args, **kwargs), run.loop))

    return kickoff


def _kickoff_async(original: Execute) -> Execute:
    """Give a flow that is kicked off within an execution a scope of its own."""

    @wraps(original)
    async def kickoff_async(self: Flow[Any], inputs: dict[str, Any] | None = None, *args: Any, **kwargs: Any) -> Any:
        run, outer = _ours(self), BODIES.get()
        if run is None or not on_loop_of(run) or (outer is not None and outer.flow is self):
            return await original(self, inputs, *args, **kwargs)
        name = run.step(f"flow.{fingerprint(type(self), inputs)}")
        part = TASK.get()
        token = BODIES.set(Bodies(run, self, f"{name}/", part.name if part else ""))
        try:
            with scope(name):
                return await original(self, inputs, *args, **kwargs)
        finally:
            BODIES.reset(token)

    return kickoff_async


def _persist(original: Callable[..., None]) -> Callable[..., None]:
    """Store a state that a flow's author wants stored (`@persist`) once, and no old one in front of a newer."""

    @wraps(original)
    def persist_method_completion(self: Flow[Any], method_name: str) -> None:
        run, mine = RUN.get(), TASK.get()
        if run is None or not isinstance(mine, MethodRun) or run.journal.recall(mine.step("done")) is None:
            original(self, method_name)

    return persist_method_completion


def _execute_method(original: Execute) -> Execute:
    @wraps(original)
    async def execute_method(self: Flow[Any], method_name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        run, bodies = RUN.get(), BODIES.get()
        if run is None or bodies is None or bodies.flow is not self or not on_loop_of(run):
            return await original(self, method_name, method, *args, **kwargs)
        mine = await _enrol(run, bodies, str(method_name))
        token = TASK.set(mine)
        try:
            with scope(mine.scope):
                return await _run(run, bodies, mine, original, method_name, method, args, kwargs)
        except Exception as error:
            run.emit(TaskFailed(task=mine.name, index=mine.index, message=readable(error)), once=mine.step("failed"))
            run.blame(error, crew_failed(error, mine.name))
            raise
        except asyncio.CancelledError:
            _tell_lost(run, mine)
            raise
        except BaseException as end:  # a person's stop, or an unwinding
            run.break_off(end)
            raise
        finally:
            TASK.reset(token)

    return execute_method


async def _enrol(run: Run, bodies: Bodies, name: str) -> MethodRun:
    """Name the method among the parts of the execution: its own flow's by their order, others behind their caller."""
    step, within = run.step(f"m:{name}").lstrip("/"), bodies.within
    order = list(methods_of(bodies.flow))
    first = await run.place(f"{bodies.prefix}methods", len(order)) if bodies.prefix else 0
    shown = f"{within}/{name}" if within else name
    mine = MethodRun(scope=step, index=first + order.index(name), name=shown, method=name)
    if (race := RACE.get()) is not None:
        race.enter(name, step)
    mine.before, mine.after = places_at(shown, run.registration.checkpoints, run.journal.checkpoints)
    return mine


def _tell_lost(run: Run, mine: MethodRun) -> None:
    race = RACE.get()
    if race is not None and race.lost(mine.method):
        message = f"{race.winner} was there first."
        run.emit(TaskSkipped(task=mine.name, index=mine.index, message=message), once=mine.step("done"))


async def _run(
    run: Run, bodies: Bodies, mine: MethodRun, original: Execute, method_name: str, method: Any, args: Any, kwargs: Any
) -> Any:
    run.check()
    await hold_before(run, mine, method)
    mine.start_clock()
    round_ = int(mine.scope.rpartition(".")[2]) + 1
    if not mine.skipped:
        run.emit(TaskStarted(task=mine.name, index=mine.index, round=round_), once=mine.step("started"))

    async def body(*args: Any, **kwargs: Any) -> Any:
        mine.output = None if mine.skipped else await _body(run, bodies, mine, method, args, kwargs)
        return mine.output

    result = await original(bodies.flow, method_name, body, *args, **kwargs)
    if run.journal.recall(mine.step("done")) is None:
        await run.record(mine.step("done"), b"", event=_ended(mine))
    if (race := RACE.get()) is not None:
        await race.won(mine.method)
    return result


def _ended(mine: MethodRun) -> TaskCompleted | TaskSkipped:
    mine.stop_clock()
    if mine.skipped:
        return TaskSkipped(task=mine.name, index=mine.index, message=mine.skipped)
    value = structure(mine.output)
    return TaskCompleted(
        task=mine.name,
        index=mine.index,
        output=text(mine.output),
        output_json=msgspec.UNSET if value is None else value,
        usage=mine.usage,
        seconds=round(mine.seconds, 3),
        edited=mine.edited,
    )


async def _body(run: Run, bodies: Bodies, mine: MethodRun, method: Any, args: Any, kwargs: Any) -> Any:
    """Run the method itself, or give what it gave, as people accept it."""
    result = await bodies.once(mine, lambda: _called(method, args, kwargs))
    asks = methods_of(bodies.flow)[mine.method].human_feedback is not None
    if (mine.after or asks) and not bodies.is_recorded(mine):
        result = await kept(run, mine.step("draft"), result)
    return await hold_after(run, mine, result)


async def _called(method: Any, args: Any, kwargs: Any) -> Any:
    """Call it as crewai does (crewai/flow/runtime: `_execute_method`): synchronous methods in a thread."""
    if asyncio.iscoroutinefunction(method):
        return await method(*args, **kwargs)
    result = await asyncio.to_thread(contextvars.copy_context().run, method, *args, **kwargs)
    return await result if asyncio.iscoroutine(result) else result
