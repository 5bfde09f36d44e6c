"""A tool that was started by a worker which died: nobody knows whether it had its effect, so a person is asked."""

import json
from collections.abc import Mapping
from typing import Any

from protocol.objects import Action, Draft, ToolRequest
from server.crews.calls.ways import Way
from server.crews.run import TASK
from server.runnable import Answer, Question, Stopped

ACTIONS = (
    Action(id="retry", label="Run it again"),
    Action(id="edit", label="Take this as its result"),
    Action(id="stop", label="Stop run", confirm=True),
)
WHY = (
    "The worker died after it had started {tool}, and before the tool had ended. It may have had its effect, or not: "
    "look, before you let it run again."
)


async def recover(through: Way, step: str, tool: str, arguments: Mapping[str, Any], attempt: int) -> Answer:
    """Ask whether to run a tool again, or what to take as its result. Raises `Stopped`, or `Suspended`.

    `attempt` is the one that left it unfinished: should that happen again, it is asked anew.
    """
    mine = TASK.get()
    plain = json.loads(json.dumps(dict(arguments), default=str))
    question = Question(
        step=f"{step}/recovery/{attempt}",
        version=1,
        name=f"recovery:{tool}",
        kind="recovery",
        title=f"Was {tool} run?",
        description=WHY.format(tool=tool),
        draft=Draft(text=json.dumps(plain, ensure_ascii=False, indent=2), content_type="application/json", json=plain),
        actions=ACTIONS,
        task=mine.name if mine else None,
        facts={"tool": tool},
        tool=ToolRequest(name=tool, arguments=plain),
    )
    answer = await through.ask(question)
    if answer.action == "stop":
        raise Stopped(answer.checkpoint, mine.name if mine else None)
    return answer
