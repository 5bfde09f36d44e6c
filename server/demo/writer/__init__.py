"""What the offline demo model writes: one pure function per task, from a prompt to markdown."""

from collections.abc import Callable, Mapping
from typing import Final

from server.demo.writer import plan, sentiment, strategy, trends
from server.demo.writer.prompt import Prompt

WRITERS: Final[Mapping[str, Callable[[Prompt], str]]] = {
    "content_plan": plan.write,
    "sentiment_analysis": sentiment.write,
    "trend_research": trends.write,
    "strategy": strategy.write,
}


def write(task: str, prompt: Prompt) -> str:
    """Write the answer to one task of the demo crew, as markdown.

    The same prompt gives the same text, always. Raises ValueError for a task that has no writer.
    """
    if task not in WRITERS:
        raise ValueError(f"the offline demo model writes {', '.join(WRITERS)}; it cannot answer the task {task!r}")
    return WRITERS[task](prompt)
