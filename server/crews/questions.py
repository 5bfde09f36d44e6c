"""How a checkpoint is put to a person: its title, its draft, the facts beside it and the ways to answer."""

from typing import Any

from crewai import Task
from crewai.tasks.task_output import TaskOutput

from protocol.objects import Action, CrewCheckpoint, Draft
from server.crews import outputs
from server.crews.names import own_name, role
from server.crews.review import Misfit
from server.crews.tasks import TaskRun
from server.runnable import Question

APPROVE = Action(id="approve", label="Approve")
EDIT = Action(id="edit", label="Approve with edits")
REVISE = Action(id="revise", label="Request changes", needs_feedback=True)
SKIP = Action(id="skip", label="Skip")
RESPOND = Action(id="respond", label="Answer")
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
    mine: TaskRun, checkpoint: CrewCheckpoint, output: TaskOutput, version: int, misfit: Misfit | None
) -> Question:
    """Ask whether an output is accepted. `misfit`: the edit that was tried before, and does not do."""
    over = None if misfit and checkpoint.on_deadline == APPROVE.id else checkpoint.on_deadline
    return Question(
        step=mine.step("after", checkpoint.name),
        version=version,
        name=checkpoint.name,
        kind="task.after",
        title=checkpoint.title,
        description=_described(checkpoint.description, misfit),
        draft=_shown(outputs.draft(mine.task, output), misfit),
        actions=_ways(misfit, APPROVE, EDIT, REVISE, SKIP, STOP),
        task=mine.name,
        agent=role(mine.task.agent),
        facts=_facts(mine, mine.task),
        schema=outputs.schema(mine.task),
        seconds=checkpoint.deadline if over else None,
        on_deadline=over,
    )


def input_question(
    mine: TaskRun | None, task: Task, step: str, agent: object, draft: Draft, version: int, misfit: Misfit | None
) -> Question:
    """Ask about an agent's answer, as `human_input=True` wants it: before it is converted, checked and kept.

    `mine`: the task as a part of its execution, when it is one; what is none cannot be skipped.
    """
    name = _name(mine, task)
    return Question(
        step=step,
        version=version,
        name=f"input:{name}",
        kind="task.input",
        title=f"Is this answer to “{name}” right?",
        description=_described("", misfit),
        draft=_shown(draft, misfit),
        actions=_ways(misfit, APPROVE, EDIT, REVISE, *((SKIP,) if mine else ()), STOP),
        task=name,
        agent=role(agent),
        facts=_facts(mine, task) if mine else {"task": _short(task.description)},
        schema=outputs.schema(task),
    )


def training_question(mine: TaskRun | None, task: Task, step: str, agent: object, draft: Draft) -> Question:
    """Ask what an agent that is trained should do better."""
    name = _name(mine, task)
    return Question(
        step=step,
        version=1,
        name=f"training:{name}",
        kind="task.input",
        title=f"What should be better about “{name}”?",
        description="The crew is trained: say what is right and what is wrong with this answer, and why.",
        draft=draft,
        actions=(RESPOND, STOP),
        task=name,
        agent=role(agent),
    )


def _name(mine: TaskRun | None, task: Task) -> str:
    return mine.name if mine else own_name(task) or "task"


def _described(text: str, misfit: Misfit | None) -> str:
    wrong = f"Your text does not fit what the task promises: {misfit.complaint}" if misfit else ""
    return "\n\n".join(part for part in (wrong, text) if part)


def _shown(draft: Draft, misfit: Misfit | None) -> Draft:
    return misfit.shown(draft) if misfit else draft


def _ways(misfit: Misfit | None, *actions: Action) -> tuple[Action, ...]:
    """Leave out the approval of a text that does not fit."""
    return tuple(action for action in actions if not (misfit and action is APPROVE))


def _facts(mine: TaskRun, task: Task) -> dict[str, Any]:
    facts: dict[str, Any] = {"task": _short(task.description), **mine.spent()}
    if mine.tools:
        facts["tools"] = dict(mine.tools)
    return facts


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_FACT else f"{line[: LONGEST_FACT - 1]}…"
