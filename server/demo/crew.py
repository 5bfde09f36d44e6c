"""The demo crew: content plan, then sentiment and trends side by side, then the strategy."""

import os
from typing import Any, Final

from crewai import Agent, Crew, Process, Task
from crewai.project import CrewBase, agent, crew, task

from server.demo.model import MODEL_NAME, DemoModel
from server.demo.pace import speed_from
from server.demo.provider import demo_model_in_use
from server.demo.tools import TrendLookup

QUARTERDECK: Final[dict[str, Any]] = {
    "title": "Campaign for several creators",
    "description": "Turns a short brief into a content plan, weighs sentiment and trends, and ends with a strategy.",
    "checkpoints": [
        {
            "name": "after_planning",
            "title": "Is the plan right?",
            "description": "The content plan is written. Everything after it builds on what you approve here.",
            "task": "content_plan",
            "place": "after",
        },
        {
            # Sentiment and trends run side by side. The trends come last in the crew and are what people correct, so
            # they are the draft; the strategy starts when both tasks are done, and so waits for this answer.
            "name": "after_analysis",
            "title": "Are these the right trends?",
            "description": "The trends for the plan are found. The strategy builds on them, and waits for your answer.",
            "task": "trend_research",
            "place": "after",
        },
        {
            "name": "before_finalization",
            "title": "Write the strategy now?",
            "description": "Plan, sentiment and trends are done. The strategy is the last step, and it has not begun.",
            "task": "strategy",
            "place": "before",
        },
    ],
}
"""How Quarterdeck lists this crew, and where a person may ask it to stop."""


@CrewBase
class ContentPlan:
    """Plan a campaign for several creators; takes the inputs `user_input` and `output_language`."""

    agents_config: Any = "config/agents.yaml"
    tasks_config: Any = "config/tasks.yaml"

    @agent
    def planner(self) -> Agent:
        """Make the agent that writes the content plan."""
        return self._agent("planner")

    @agent
    def listener(self) -> Agent:
        """Make the agent that judges how people will feel."""
        return self._agent("listener")

    @agent
    def researcher(self) -> Agent:
        """Make the agent that looks up trends."""
        return self._agent("researcher", tools=[TrendLookup()])

    @agent
    def strategist(self) -> Agent:
        """Make the agent that joins all of it into a strategy."""
        return self._agent("strategist")

    @task
    def content_plan(self) -> Task:
        """Make the first task."""
        return self._task("content_plan")

    @task
    def sentiment_analysis(self) -> Task:
        """Make the task that runs beside the trend research."""
        return self._task("sentiment_analysis")

    @task
    def trend_research(self) -> Task:
        """Make the task that runs beside the sentiment analysis."""
        return self._task("trend_research")

    @task
    def strategy(self) -> Task:
        """Make the last task, which waits for both analyses."""
        return self._task("strategy")

    @crew
    def crew(self) -> Crew:
        """Put agents and tasks together."""
        return Crew(
            agents=self.agents,  # type: ignore[attr-defined]  # set by @CrewBase from the methods above
            tasks=self.tasks,  # type: ignore[attr-defined]
            process=Process.sequential,
            verbose=False,
        )

    def _agent(self, name: str, **more: Any) -> Agent:
        return Agent(config=self.agents_config[name], llm=_model(), allow_delegation=False, verbose=False, **more)

    def _task(self, name: str) -> Task:
        return Task(config=self.tasks_config[name], name=name)  # type: ignore[call-arg]  # the rest is in the config


def _model() -> DemoModel | None:
    """Return the offline model if no key is set; None lets CrewAI find its model in the environment, as always."""
    if not demo_model_in_use(os.environ):
        return None
    return DemoModel(model=MODEL_NAME, words_per_second=speed_from(os.environ))
