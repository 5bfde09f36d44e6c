"""Tools, on every path by which crewai runs them: called by models, parsed from text (ReAct), asynchronous, from MCP.

A tool runs as a unit: what its body calls belongs to it. A delegation to another agent is no unit, for that agent's own
calls are recorded; nor is a tool that only asks a person, for the answer is.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from crewai.tools.agent_tools.base_agent_tools import BaseAgentTool
from crewai.tools.base_tool import BaseTool, Tool
from crewai.tools.structured_tool import CrewStructuredTool

from protocol.events import ToolCompleted, ToolStarted
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.told import agent_at_hand, arguments_of, cut
from server.crews.calls.toolcall import ToolCall
from server.crews.calls.toolname import name_of
from server.crews.calls.ways import Direct, Way, at_once, way
from server.crews.calls.wrapping import is_wrapped, replace_own, with_subclasses
from server.crews.run import INSIDE_TOOL, RUN, TASK, Run
from server.crews.scopes import scope

#: A class of tools that does nothing but ask a person says so with this attribute.
ASKS = "quarterdeck_asks"


def install() -> None:
    """Wrap every class of tools, whenever it is made."""
    for kind in (*with_subclasses(BaseTool), Tool):
        _wrap(kind)
    replace_own(CrewStructuredTool, "invoke", _sync)
    replace_own(CrewStructuredTool, "ainvoke", _async)
    original = BaseTool.__init_subclass__.__func__  # type: ignore[attr-defined] # a classmethod's function
    if is_wrapped(original):
        return

    def wrap_later(kind: type[BaseTool], /, **settings: Any) -> None:
        original(kind, **settings)
        _wrap(kind)

    wrap_later._quarterdeck = True  # type: ignore[attr-defined] # our mark
    BaseTool.__init_subclass__ = classmethod(wrap_later)  # type: ignore[assignment] # it is put in its place


def _wrap(kind: type) -> None:
    replace_own(kind, "run", _sync)
    replace_own(kind, "arun", _async)


def _sync(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def run_tool(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or INSIDE_TOOL.get() or _only_asks(self):
            return method(self, *args, **kwargs)
        if _delegates(self):
            with _delegation(run, self, args, kwargs) as told:
                return told(method(self, *args, **kwargs))

        async def body(arguments: Mapping[str, Any]) -> Any:
            positional, named = _passed(self, args, kwargs, arguments)
            return method(self, *positional, **named)

        return at_once(_call(run, Direct(run), self, args, kwargs).once(body))

    return run_tool


def _async(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def run_tool(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or INSIDE_TOOL.get() or _only_asks(self):
            return await method(self, *args, **kwargs)
        if _delegates(self):
            with _delegation(run, self, args, kwargs) as told:
                return told(await method(self, *args, **kwargs))

        async def body(arguments: Mapping[str, Any]) -> Any:
            positional, named = _passed(self, args, kwargs, arguments)
            return await method(self, *positional, **named)

        return await _call(run, way(run), self, args, kwargs).once(body)

    return run_tool


def _call(run: Run, through: Way, tool: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ToolCall:
    name, arguments = name_of(tool), _arguments(tool, args, kwargs)
    step = run.step(f"tool.{fingerprint(name.told, arguments)}")
    claim = tool._claim_usage if isinstance(tool, BaseTool) else tool._increment_usage_count
    return ToolCall(run, through, step, name, arguments, getattr(tool, "args_schema", None), agent_at_hand(), claim)


def _arguments(tool: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments as an object. Structured tools take them as one, beside a `config` of ids that are new."""
    if isinstance(tool, CrewStructuredTool):
        return arguments_of(args[0] if args else kwargs["input"], plain=False)
    return {**{f"argument_{number}": value for number, value in enumerate(args, 1)}, **kwargs}


def _passed(
    tool: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], arguments: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Put the arguments, which a person may have changed, back to where they came from."""
    if isinstance(tool, CrewStructuredTool):
        rest = {name: value for name, value in kwargs.items() if name != "input"}
        return (dict(arguments), *args[1:]), rest
    positional = tuple(arguments.get(f"argument_{number}", value) for number, value in enumerate(args, 1))
    named = {name: value for name, value in arguments.items() if not name.startswith("argument_") or name in kwargs}
    return positional, named


def _only_asks(tool: Any) -> bool:
    return any(getattr(type(one), ASKS, False) for one in (tool, getattr(tool, "_original_tool", None)))


def _delegates(tool: Any) -> bool:
    return any(isinstance(one, BaseAgentTool) for one in (tool, getattr(tool, "_original_tool", None)))


@contextmanager
def _delegation(
    run: Run, tool: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[Callable[[Any], Any]]:
    """Be a scope for the work of the agent that is asked, and tell of it once."""
    name, arguments, mine = name_of(tool).told, _arguments(tool, args, kwargs), TASK.get()
    step = run.step(f"delegation.{fingerprint(name, arguments)}")
    run.emit(
        ToolStarted(
            call=step, tool=name, arguments=arguments_of(arguments), task=mine.name if mine else None,
            agent=agent_at_hand(),
        ),
        once=f"{step}/started",
    )  # fmt: skip

    def told(result: Any) -> Any:
        text, truncated = cut(str(result))
        event = ToolCompleted(call=step, tool=name, result=text, truncated=truncated, seconds=0.0)
        run.emit(event, once=f"{step}/ended")
        return result

    with scope(step):
        yield told
