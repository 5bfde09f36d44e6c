"""The steps of an agent at work, on the event loop where they only decide, and in a thread where they may wait.

About `crewai/flow/runtime/__init__.py`, `Flow._execute_method`: it starts every step of an executor in a thread, and
then a second thread that finds nothing to persist. A step that is listed here decides what comes next and calls nobody;
a model is asked on the loop where its own client can be, see `asking`; all others go CrewAI's way.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from crewai.agents.agent_executor import AgentExecutor
from crewai.flow.flow import Flow
from crewai.flow.flow_context import current_flow_method_name
from crewai.flow.types import FlowMethodName

from server.crews.run import RUN
from server.crews.speed import asking
from server.crews.speed.contract import replace

#: Steps that decide at once when the agent makes no plan: read in `crewai/agents/agent_executor.py`.
DECIDING = frozenset({
    "generate_plan", "check_todos_available", "initialize_reasoning", "check_max_iterations", "route_by_answer_type",
    "continue_iteration", "check_todo_completion", "check_native_todo_completion", "increment_and_continue", "finalize",
})  # fmt: skip
RELIES_ON = {
    "crewai.flow.runtime:Flow._execute_method": "5ae859bc28241a30",
    "crewai.flow.runtime:Flow._skip_interception": "e3e304432ffb40dc",
    "crewai.flow.runtime:Flow._persist_method_completion": "2fbe744f9792f1b6",
    "crewai.agents.agent_executor:AgentExecutor._owns_execution_boundary": "874b0c9b4890cf24",
    "crewai.agents.agent_executor:AgentExecutor.generate_plan": "24f5aa2dc072e0f7",
    "crewai.agents.agent_executor:AgentExecutor.check_todos_available": "63b93c964255cb66",
    "crewai.agents.agent_executor:AgentExecutor.initialize_reasoning": "e98dbae501a01fad",
    "crewai.agents.agent_executor:AgentExecutor.check_max_iterations": "5f1a7ab8abd1b2ac",
    "crewai.agents.agent_executor:AgentExecutor.route_by_answer_type": "f29ff341d6f2d3c1",
    "crewai.agents.agent_executor:AgentExecutor.continue_iteration": "294bc0529aa24e17",
    "crewai.agents.agent_executor:AgentExecutor.check_todo_completion": "fc500218a5dfbfc2",
    "crewai.agents.agent_executor:AgentExecutor.check_native_todo_completion": "51e452b2d5110a9d",
    "crewai.agents.agent_executor:AgentExecutor.increment_and_continue": "700ed98fdff92345",
    "crewai.agents.agent_executor:AgentExecutor.finalize": "2596a74a2c4e5c3c",
    "crewai.agents.agent_executor:AgentExecutor._setup_native_tools": "4ef55de8a1cd48c4",
    "crewai.agents.agent_executor:AgentExecutor._check_native_tool_support": "d703507d0773957e",
    "crewai.agents.agent_executor:AgentExecutor._route_finish_with_todos": "2a550f4f4f60a619",
    "crewai.agents.agent_executor:AgentExecutor._show_start_logs": "c3015503fa78ad9f",
    "crewai.agents.agent_executor:AgentExecutor._show_logs": "1cf1bba400c186a7",
    **asking.RELIES_ON,
}


def install() -> None:
    """Have the executors of crews at work for us decide on the loop."""
    asking.install()
    replace(AgentExecutor, "_execute_method", _execute_method)


async def _execute_method(
    self: AgentExecutor, method_name: FlowMethodName, method: Callable[..., Any], *args: Any, **kwargs: Any
) -> tuple[Any, str | None]:
    name = str(method_name)
    run = RUN.get()
    if run is None or args or kwargs or not _plain(self, name):
        return await Flow._execute_method(self, method_name, method, *args, **kwargs)
    token = current_flow_method_name.set(name)
    try:
        if name in DECIDING:
            result = copy_context().run(method)  # as in a thread: what it sets in its context stays its own
        elif name in asking.ASKING and asking.possible(self, run):
            result = await asking.ask(self, method)
        else:
            context = copy_context()
            result = await asyncio.to_thread(context.run, method)
    finally:
        current_flow_method_name.reset(token)
    return _noted(self, method_name, result), None


def _plain(executor: AgentExecutor, name: str) -> bool:
    """Tell whether this is CrewAI's own step of an agent that makes no plan, told to nobody and kept nowhere."""
    kind, definition = type(executor), executor._definition
    return (
        executor.crew is not None
        and executor.suppress_flow_events
        and not getattr(executor.agent, "planning_enabled", False)
        and getattr(kind, name, None) is getattr(AgentExecutor, name, None)
        and definition.persist is None
        and definition.methods[name].persist is None
        and definition.methods[name].human_feedback is None
    )


def _noted(executor: AgentExecutor, name: FlowMethodName, result: Any) -> Any:
    executor._method_outputs.append({"method": str(name), "output": result})
    executor._method_execution_counts[name] = executor._method_execution_counts.get(name, 0) + 1
    executor._completed_methods.add(name)
    return result
