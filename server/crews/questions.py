"""How a checkpoint is put to a person: its title, its draft, the facts beside it and the ways to answer."""

from typing import Any

from crewai import Task
from crewai.tasks.task_output import TaskOutput

from protocol.objects import Action, CrewCheckpoint, Draft
from server.crews import outputs
from server.crews.names import role
from server.crews.tasks import TaskRun
from server.runnable import Question

APPROVE = Action(id="approve", label="Approve")
EDIT = Action(id="edit", label="Approve with edits")
REVISE = Action(id="revise", label="Request changes", needs_feedback=True)
SKIP = Action(id="skip", label="Skip")
STOP = Action(id="stop", label="Stop run", confirm=True)

#: A fact is a line, not a document; so is a title.
LONGEST_FACT = LONGEST_TITLE = 200


def heading(message: str) -> tuple[str, str]:
    """Make a title of the first line of what somebody asks, and a description of the whole, where that is more."""
    text = message.strip()
    title = text.partition("\n")[0]
    return (title, "") if title == text and len(title) <= LONGEST_TITLE else (_short(title), text)


def before_question(mine: TaskRun, checkpoint: CrewCheckpoint, agent: object, version: int) -> Question:
    """Ask whether a task may start. Its draft is the task's description; an edit replaces it."""
    return Question(
        step=mine.step("before", checkpoint.name),
        version=version,
        name=checkpoint.name,
        kind="task.before",
        title=checkpoint.title,
        description=checkpoint.description,
        draft=Draft(text=mine.task.description),
        actions=(APPROVE, EDIT, SKIP, STOP),
        task=mine.name,
        agent=role(agent),
        facts={"expected_output": _short(mine.task.expected_output)},
        seconds=checkpoint.deadline,
        on_deadline=checkpoint.on_deadline,
    )


def after_question(
    mine: TaskRun, checkpoint: CrewCheckpoint, output: TaskOutput, version: int, complaint: str | None
) -> Question:
    """Ask whether an output is accepted. `complaint`: why the edit that was tried before does not do."""
    wrong = f"The edit does not fit what the task promises: {complaint}" if complaint else ""
    return Question(
        step=mine.step("after", checkpoint.name),
        version=version,
        name=checkpoint.name,
        kind="task.after",
        title=checkpoint.title,
        description="\n\n".join(text for text in (wrong, checkpoint.description) if text),
        draft=outputs.draft(output),
        actions=(APPROVE, EDIT, REVISE, SKIP, STOP),
        task=mine.name,
        agent=role(mine.task.agent),
        facts=_facts(mine, mine.task),
        seconds=checkpoint.deadline,
        on_deadline=checkpoint.on_deadline,
    )


def _facts(mine: TaskRun, task: Task) -> dict[str, Any]:
    facts: dict[str, Any] = {"task": _short(task.description), "tokens": mine.usage.total_tokens}
    if mine.tools:
        facts["tools"] = dict(mine.tools)
    return facts


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_FACT else f"{line[: LONGEST_FACT - 1]}…"
