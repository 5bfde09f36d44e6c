"""What CrewAI's platform sends to the addresses of a kickoff, in the shapes that its manual shows. Pure.

"Webhook Output Examples" in `docs/en/enterprise/guides/webhook-automation.mdx`, and "Receive Webhook Notification" in
`docs/en/learn/human-in-the-loop.mdx`. What this server does not record (an agent's prompts and thoughts, the texts of
its tasks) is empty.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from protocol.events import CheckpointOpened, Event, ExecutionCompleted, TaskCompleted, ToolCompleted, ToolFailed

TASK, STEP, CREW, HUMAN = "crewai.task", "crewai.step", "crewai.crew", "crewai.human"
#: What each of them hears of.
HEARD: Mapping[str, tuple[str, ...]] = {
    TASK: ("task.completed",),
    STEP: ("tool.completed", "tool.failed"),
    CREW: ("execution.completed",),
    HUMAN: ("checkpoint.opened",),
}
#: A summary is so many words, as in CrewAI's `TaskOutput`; here they are the output's first.
SUMMARY_WORDS = 10
Arguments = Mapping[str, Any] | None


def task(event: Event, arguments: Arguments = None) -> dict[str, Any]:
    """Tell of a task that was completed."""
    data = event.data
    assert isinstance(data, TaskCompleted), "the only event that is heard"
    return {
        "description": "",
        "name": data.task,
        "expected_output": "",
        "summary": _summary(data.output),
        "agent": data.agent or "",
        "output": data.output,
        "output_json": None if data.output_json is UNSET else data.output_json,
        "kickoff_id": event.execution,
    }


def step(event: Event, arguments: Arguments = None) -> dict[str, Any]:
    """Tell of a step: the call of a tool."""
    data = event.data
    assert isinstance(data, ToolCompleted | ToolFailed), "the only events that are heard"
    return {
        "prompt": "",
        "thought": "",
        "tool": data.tool,
        "tool_input": dict(arguments or {}),
        "result": data.result,
        "kickoff_id": event.execution,
    }


def crew(event: Event, arguments: Arguments = None) -> dict[str, Any]:
    """Tell that the crew is done."""
    data = event.data
    assert isinstance(data, ExecutionCompleted), "the only event that is heard"
    return {
        "kickoff_id": event.execution,
        "result": data.output,
        "result_json": None if data.output_json is UNSET else data.output_json,
        "token_usage": {
            "total_tokens": data.usage.total_tokens,
            "prompt_tokens": data.usage.prompt_tokens,
            "completion_tokens": data.usage.completion_tokens,
        },
    }


def human(event: Event, arguments: Arguments = None) -> dict[str, Any]:
    """Tell that a person is asked: `POST /resume` takes these two ids."""
    data = event.data
    assert isinstance(data, CheckpointOpened), "the only event that is heard"
    asked = data.checkpoint
    return {
        "execution_id": event.execution,
        "task_id": asked.task or asked.id,
        "task_output": asked.draft.text,
        "kickoff_id": event.execution,
    }


def _summary(text: str) -> str:
    return " ".join(text.split(" ")[:SUMMARY_WORDS]) + "..."
