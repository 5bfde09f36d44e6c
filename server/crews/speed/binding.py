"""The methods of an executor bound to it plainly, without reading their signatures each time.

About `crewai/flow/runtime/__init__.py`, `Flow._class_bound_methods`, and `crewai/flow/flow_wrappers.py`,
`FlowMethod.__get__`: for every executor, 32 wrappers are made anew.
"""

from collections.abc import Callable
from types import MethodType
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
    """Bind the methods of executors plainly."""
    replace(AgentExecutor, "_class_bound_methods", _class_bound_methods)


def _class_bound_methods(self: AgentExecutor) -> dict[FlowMethodName, Callable[..., Any]]:
    bound: dict[FlowMethodName, Callable[..., Any]] = {}
    for name in self._definition.methods:
        wrapper = getattr(type(self), name, None)
        if not isinstance(wrapper, FlowMethod):
            return Flow._class_bound_methods(self)
        bound[FlowMethodName(name)] = MethodType(wrapper.unwrap(), self)
    return bound
