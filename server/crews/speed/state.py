"""One class for the state of agent executors, where CrewAI makes a new pydantic class for every executor.

About `crewai/flow/runtime/__init__.py`, `Flow._create_initial_state`: it makes nothing when the state's type is a
`FlowState` already.
"""

from crewai.agents.agent_executor import AgentExecutor, AgentExecutorState
from crewai.flow.runtime import FlowState

from server.crews.speed.contract import replace

RELIES_ON = {"crewai.flow.runtime:Flow._create_initial_state": "7115f49e3a8bbab7"}


class ExecutorState(FlowState, AgentExecutorState):
    """What CrewAI makes anew each time, and calls `StateWithId`."""


def install() -> None:
    """Have every executor use it."""
    replace(AgentExecutor, "_initial_state_t", ExecutorState)
