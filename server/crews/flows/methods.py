"""The methods of a flow in an execution: told as tasks, and not run again when an earlier attempt has finished them.

A method's body is skipped on a later attempt where its result and what it changed in the flow's state can be written
down, and no other body ran beside it. Otherwise it runs again, and what it calls (crews, models, tools, people) comes
from the journal: only code of the method's own is run twice then.
"""

import asyncio
import contextvars
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import msgspec
from crewai.flow.runtime import Flow
from crewai.types.streaming import CrewStreamingOutput

from protocol.events import TaskCompleted, TaskFailed, TaskStarted
from server.crews.calls.codec import Encoded, Unwritable, decode, encode
from server.crews.calls.ways import on_loop_of
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.faults import crew_failed, readable
from server.crews.flows.catalogue import methods_of
from server.crews.flows.results import structure, text
from server.crews.flows.state import Changes, changes, redo, snapshot
from server.crews.nested import wait_for
from server.crews.parts import Part
from server.crews.run import RUN, TASK, Run
from server.crews.scopes import scope

Execute = Callable[..., Awaitable[Any]]


class Finished(msgspec.Struct, frozen=True):
    """What a method's body gave, and what it changed."""

    result: Encoded
    changes: Changes


@dataclass(kw_only=True)
class MethodRun(Part):
    """A method at work."""

    flow: Flow[Any]
    output: Any = None


@dataclass
class Bodies:
    """The bodies of one flow's methods that run now, and whether each has run alone so far."""

    alone: dict[str, bool] = field(default_factory=dict)

    def enter(self, name: str) -> None:
        """Begin; nobody who runs meanwhile is alone any more."""
        self.alone = {**dict.fromkeys(self.alone, False), name: not self.alone}

    def leave(self, name: str) -> bool:
        """End, and tell whether it ran alone."""
        return self.alone.pop(name)


#: By execution (in its context) and flow: what runs.
BODIES: contextvars.ContextVar[dict[int, Bodies]] = contextvars.ContextVar("quarterdeck_bodies")


def install() -> None:
    """Wrap the one place where a flow's methods are run, and the kickoff of a flow from synchronous code."""
    if not is_wrapped(Flow._execute_method):
        replace(Flow, "_execute_method", _execute_method(Flow._execute_method))
        replace(Flow, "kickoff", _kickoff(Flow.kickoff))


def _kickoff(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def kickoff(self: Flow[Any], *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or type(self).is_crewai_internal or self.stream or on_loop_of(run):
            return original(self, *args, **kwargs)
        return wait_for(asyncio.run_coroutine_threadsafe(self.kickoff_async(*args, **kwargs), run.loop))

    return kickoff


def _execute_method(original: Execute) -> Execute:
    @wraps(original)
    async def execute_method(self: Flow[Any], method_name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or type(self).is_crewai_internal or not on_loop_of(run):
            return await original(self, method_name, method, *args, **kwargs)
        mine = await _enrol(run, self, str(method_name))
        token = TASK.set(mine)
        try:
            with scope(mine.scope):
                return await _run(run, mine, original, method_name, method, args, kwargs)
        except Exception as error:
            run.emit(TaskFailed(task=mine.name, index=mine.index, message=readable(error)))
            run.break_off(crew_failed(error, mine.name))
            raise
        except BaseException as end:
            if not isinstance(end, asyncio.CancelledError):
                run.break_off(end)
            raise
        finally:
            TASK.reset(token)

    return execute_method


async def _enrol(run: Run, flow: Flow[Any], name: str) -> MethodRun:
    """Name the method among the parts of the execution: its own flow's by their order, others behind their caller."""
    step, within = run.step(f"m:{name}"), TASK.get()
    order = list(methods_of(flow))
    if within is None:
        index, shown = order.index(name), name
    else:
        first = await run.place(f"{step.rpartition('/')[0]}/methods", len(order))
        index, shown = first + order.index(name), f"{within.name}/{name}"
    return MethodRun(scope=step.lstrip("/"), index=index, name=shown, flow=flow)


async def _run(
    run: Run, mine: MethodRun, original: Execute, method_name: str, method: Any, args: Any, kwargs: Any
) -> Any:
    run.check()
    mine.start_clock()
    round_ = int(mine.scope.rpartition(".")[2]) + 1
    run.emit(TaskStarted(task=mine.name, index=mine.index, round=round_), once=mine.step("started"))

    async def body(*args: Any, **kwargs: Any) -> Any:
        mine.output = await _body(run, mine, method, args, kwargs)
        return mine.output

    result = await original(mine.flow, method_name, body, *args, **kwargs)
    if run.journal.recall(mine.step("done")) is None:
        await run.record(mine.step("done"), b"", event=_completed(mine))
    return result


def _completed(mine: MethodRun) -> TaskCompleted:
    value = structure(mine.output)
    return TaskCompleted(
        task=mine.name,
        index=mine.index,
        output=text(mine.output),
        output_json=msgspec.UNSET if value is None else value,
        usage=mine.usage,
        seconds=round(mine.seconds, 3),
        edited=False,
    )


async def _body(run: Run, mine: MethodRun, method: Any, args: Any, kwargs: Any) -> Any:
    """Run the method itself, or do again what it did."""
    step = mine.step("body")
    if (stored := run.journal.recall(step)) is not None:
        finished = msgspec.json.decode(stored, type=Finished)
        redo(mine.flow, finished.changes)
        return decode(finished.result)
    bodies = BODIES.get()[id(mine.flow)]
    before = snapshot(mine.flow)
    bodies.enter(mine.scope)
    try:
        result = await _called(method, args, kwargs)
    finally:
        alone = bodies.leave(mine.scope)
    after = snapshot(mine.flow)
    if alone and before is not None and after is not None and (kept := _encoded(result)) is not None:
        await run.record(step, msgspec.json.encode(Finished(kept, changes(before, after))))
    return result


async def _called(method: Any, args: Any, kwargs: Any) -> Any:
    """Call it as crewai does (crewai/flow/runtime: `_execute_method`): synchronous methods in a thread."""
    if asyncio.iscoroutinefunction(method):
        return await method(*args, **kwargs)
    result = await asyncio.to_thread(contextvars.copy_context().run, method, *args, **kwargs)
    return await result if asyncio.iscoroutine(result) else result


def _encoded(result: Any) -> Encoded | None:
    if isinstance(result, CrewStreamingOutput):
        return None
    try:
        return encode(result)
    except Unwritable:
        return None


def begin() -> None:
    """Keep account of the bodies of this execution, from here on. To be called in its context."""
    BODIES.set(defaultdict(Bodies))
