"""The methods of an executor bound to it without reading their signatures each time.

About `crewai/flow/runtime/__init__.py`, `Flow._class_bound_methods`, and `crewai/flow/flow_wrappers.py`,
`FlowMethod.__get__`: for every executor, 32 wrappers are made anew, and each looks into its function. The wrapper that
the class has knows all that; a bound one is the same with an instance.
"""

from collections.abc import Callable
from typing import Any

from crewai.agents.agent_executor import AgentExecutor
from crewai.flow.flow import Flow
from crewai.flow.flow_wrappers import FlowMethod
from crewai.flow.types import FlowMethodName

from server.crews.speed.contract import replace

RELIES_ON = {
    "crewai.flow.runtime:Flow._class_bound_methods": "9bf401c1f6c85b37",
    "crewai.flow.flow_wrappers:FlowMethod": "c62e03cd31a4be2d",
}


def install() -> None:
    """Bind the methods of executors so."""
    replace(AgentExecutor, "_class_bound_methods", _class_bound_methods)


def _class_bound_methods(self: AgentExecutor) -> dict[FlowMethodName, Callable[..., Any]]:
    bound: dict[FlowMethodName, Callable[..., Any]] = {}
    for name in self._definition.methods:
        wrapper = getattr(type(self), name, None)
        if not isinstance(wrapper, FlowMethod):
            return Flow._class_bound_methods(self)
        bound[FlowMethodName(name)] = _bound(wrapper, self)
    return bound


def _bound(wrapper: FlowMethod[..., Any], instance: AgentExecutor) -> FlowMethod[..., Any]:
    method: FlowMethod[..., Any] = FlowMethod.__new__(type(wrapper))
    vars(method).update(vars(wrapper), _instance=instance, __self__=instance)
    return method
