"""A crew that reports in numbers and writes a file, asked before and after. Its prompts say `do TASK about TOPIC`."""

import os

from crewai import LLM, Agent, Crew, Task

QUARTERDECK = {
    "title": "Market report",
    "checkpoints": [
        {
            "name": "in_time", "title": "Still in time?", "task": "report", "place": "before",
            "deadline": 4, "on_deadline": "stop",
        },
        {"name": "after_survey", "title": "Is the survey right?", "task": "survey", "place": "after"},
        {"name": "after_report", "title": "Is the report right?", "task": "report", "place": "after"},
    ],
}  # fmt: skip


def crew() -> Crew:
    """Survey a market and report on it; takes the inputs `topic` and `output_language`."""
    model = LLM(
        model="openai/gpt-4o-mini", base_url=os.environ["TEST_MODEL"], api_key="sk-test-0123456789", stream=True
    )
    analyst = Agent(role="Analyst", goal="Count", backstory="You count.", llm=model, max_retry_limit=0)
    tasks = [
        Task(
            name=name, description=f"do {name} about {{topic}} in {{output_language}}", expected_output="A short text.",
            agent=analyst,
        )
        for name in ("survey", "report")
    ]  # fmt: skip
    tasks[-1].output_file = "report.md"
    return Crew(agents=[analyst], tasks=tasks)
