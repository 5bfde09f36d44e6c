from typing import Any

from crewai import Agent, Crew, Process, Task
from crewai.project import CrewBase, agent, crew, task

from classic_crew.words import GREETING


@CrewBase
class ClassicCrew:
    """Research a topic."""

    agents_config: Any = "config/agents.yaml"
    tasks_config: Any = "config/tasks.yaml"

    @agent
    def researcher(self) -> Agent:
        return Agent(config=self.agents_config["researcher"], verbose=True)

    @task
    def research_task(self) -> Task:
        return Task(config=self.tasks_config["research_task"])

    @crew
    def crew(self) -> Crew:
        """Make the crew."""
        assert GREETING
        return Crew(agents=self.agents, tasks=self.tasks, process=Process.sequential, verbose=True)
