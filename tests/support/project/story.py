"""A crew of three tasks in a row, two checkpoints and a file. Its prompts say `do TASK about TOPIC`."""

import os

from crewai import LLM, Agent, Crew, Task

QUARTERDECK = {
    "title": "Story",
    "checkpoints": [
        {"name": "agree", "title": "Agree on the draft", "task": "draft", "place": "after"},
        {"name": "release", "title": "Release the story", "task": "publish", "place": "before"},
    ],
}


def crew() -> Crew:
    """Write a story about a topic."""
    model = LLM(
        model="openai/gpt-4o-mini", base_url=os.environ["TEST_MODEL"], api_key="sk-test-0123456789", stream=True
    )
    writer = Agent(role="Writer", goal="Write well", backstory="You have written a lot.", llm=model, max_retry_limit=0)
    tasks = [
        Task(name=name, description=f"do {name} about {{topic}}", expected_output="A short text.", agent=writer)
        for name in ("draft", "polish", "publish")
    ]
    tasks[-1].output_file = "stories/story.md"
    return Crew(agents=[writer], tasks=tasks)
