"""Which tools a crew has, as far as it is known before it runs."""

from typing import Any

from crewai import Crew

from server.crews.names import agents_of


def tools_of(made: Any) -> list[str]:
    """Name the tools of a crew's agents and tasks; none when some come from elsewhere at run time, or in a flow."""
    if not isinstance(made, Crew):
        return []
    agents = agents_of(made)
    if any(agent.mcps or agent.apps for agent in agents):
        return []
    of_agents = {tool.name for agent in agents for tool in agent.tools or ()}
    return sorted(of_agents | {tool.name for task in made.tasks for tool in task.tools or ()})
