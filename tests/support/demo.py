"""Runs of the demo crew on a whole installation: beginning them, and what their logs say."""

import json

from tests.support.client import Frame
from tests.support.stack import Stack

#: The settings of processes that run it, at some words a second.
SETTINGS = {"QUARTERDECK_CREWS": "content=server.demo.crew:ContentPlan", "QUARTERDECK_DEMO_SPEED": "300"}
BRIEF = "Ramadan campaign for Kopi Senja, a coffee brand, 3 creators"
#: Its plan takes some two seconds to be written.
LONG_BRIEF = "Ramadan campaign for Kopi Senja, a coffee brand, 12 creators, 24 weeks"
CHECKPOINTS = ["after_planning", "after_analysis", "before_finalization"]
HEADLINE, HANDLE = "Kopi Senja: nights that matter", "@sari.brews"
OLD_HANDLE = "@rara.tells"


def edited(plan: str) -> str:
    """Edit a plan as a person does: another headline, another creator."""
    return f"# {HEADLINE}\n" + plan.split("\n", 1)[1].replace(OLD_HANDLE, HANDLE)


async def begin(stack: Stack, title: str, checkpoints: list[str]) -> str:
    """Start a run without the page; give the path of its page, at its first checkpoint or else at its end."""
    inputs = {"user_input": BRIEF, "output_language": "English"}
    async with stack.connect() as client:
        start = await client.command("start", crew="content", title=title, inputs=inputs, checkpoints=checkpoints)
        execution = start["execution"]
        if not checkpoints:
            await client.end(execution)
            return f"/x/{execution}"
        return f"/x/{execution}/c/{(await client.question(execution, checkpoints[0]))['id']}"


def events(stack: Stack, execution: str) -> list[Frame]:
    """Read the log."""
    return [json.loads(frame) for frame in stack.log(execution)]


def decisions(stack: Stack, execution: str) -> list[tuple[str, str]]:
    """Read what was decided, in order."""
    found = [event["data"] for event in events(stack, execution) if event["type"] == "checkpoint.decided"]
    return [(decided["name"], decided["action"]) for decided in found]


def entries(stack: Stack, execution: str) -> list[str]:
    """Read what the thread must hold, in order, in the words of `Screen.entries`."""
    return [entry for event in events(stack, execution) if (entry := _entry(event))]


def _entry(event: Frame) -> str:
    data = event["data"]
    match event["type"]:
        case "task.started":
            return f"task-{data['task']} {data['round']}"
        case "checkpoint.decided":
            return f"decided {data['action']}"
        case "tool.started":
            return "tool"
    return ""
