"""No listener of its own on the event bus for each agent at work.

About `crewai/flow/runtime/__init__.py`, `Flow._attach_usage_aggregation_listener`: every executor listens to all model
calls of the process to add up its own, so two hundred crews make two hundred calls of each; and nobody reads what it
adds up in the executor of a crew's agent.
"""

from crewai.agents.agent_executor import AgentExecutor
from crewai.flow.flow import Flow

from server.crews.run import RUN
from server.crews.speed.contract import replace

RELIES_ON = {
    "crewai.flow.runtime:Flow._attach_usage_aggregation_listener": "404e389bdc14f27e",
    "crewai.flow.runtime:Flow._detach_usage_aggregation_listener": "ef83ffa5aa3e96dc",
}


def install() -> None:
    """Have executors of crews at work for us not listen."""
    replace(AgentExecutor, "_attach_usage_aggregation_listener", _attach)


def _attach(self: AgentExecutor) -> None:
    if RUN.get() is None or self.crew is None:
        Flow._attach_usage_aggregation_listener(self)
