"""The two places where a method of a flow is held for a person: before it starts, and when it has given something."""

import inspect
from typing import Any

from protocol.objects import CrewCheckpoint, Draft
from server.crews.flows.edits import Misfit, edited, schema_of
from server.crews.flows.methodrun import MethodRun
from server.crews.flows.results import draft
from server.crews.gate import SKIPPED
from server.crews.questions import APPROVE, EDIT, SKIP, STOP
from server.crews.run import Run
from server.runnable import Answer, Question, Stopped


async def hold_before(run: Run, mine: MethodRun, method: Any) -> None:
    """Ask whether the method may start; `mine.skipped` is set when it may not."""
    for checkpoint in mine.before:
        answer = await ask(
            run,
            mine,
            Question(
                step=mine.step("before", checkpoint.name),
                version=1,
                name=checkpoint.name,
                kind="task.before",
                title=checkpoint.title,
                description=checkpoint.description,
                draft=Draft(text=(inspect.getdoc(method) if inspect.isroutine(method) else None) or ""),
                actions=(APPROVE, SKIP, STOP),
                task=mine.name,
                seconds=checkpoint.deadline,
                on_deadline=checkpoint.on_deadline,
            ),
        )
        if answer.action == "skip":
            mine.skipped = SKIPPED
            return


async def hold_after(run: Run, mine: MethodRun, result: Any) -> Any:
    """Ask whether a result is accepted, and give what the flow is to go on with: nothing, where it is skipped."""
    for checkpoint in mine.after:
        result = await _accepted(run, mine, checkpoint, result)
        if mine.skipped:
            return None
    return result


async def _accepted(run: Run, mine: MethodRun, checkpoint: CrewCheckpoint, result: Any) -> Any:
    version, complaint = 0, ""
    while True:
        version += 1
        answer = await ask(run, mine, _after_question(mine, checkpoint, result, version, complaint))
        match answer.action:
            case "skip":
                mine.skipped = SKIPPED
                return None
            case "edit":
                try:
                    value = edited(result, answer.output or "")
                except Misfit as misfit:
                    complaint = f"The edit does not fit what the method gives: {misfit}"
                    continue
                mine.edited = True
                return value
            case _:
                return result


def _after_question(mine: MethodRun, checkpoint: CrewCheckpoint, result: Any, version: int, complaint: str) -> Question:
    schema = schema_of(result)
    over = None if complaint and checkpoint.on_deadline == APPROVE.id else checkpoint.on_deadline
    return Question(
        step=mine.step("after", checkpoint.name),
        version=version,
        name=checkpoint.name,
        kind="task.after",
        title=checkpoint.title,
        description="\n\n".join(text for text in (complaint, checkpoint.description) if text),
        draft=draft(result),
        actions=(APPROVE, SKIP, STOP) if schema is None else (APPROVE, EDIT, SKIP, STOP),
        task=mine.name,
        schema=schema or None,
        facts=mine.spent() if mine.usage.total_tokens else {},
        seconds=checkpoint.deadline if over else None,
        on_deadline=over,
    )


async def ask(run: Run, mine: MethodRun, question: Question) -> Answer:
    """Ask a person about a method, without counting the time; `stop` ends the execution."""
    mine.stop_clock()
    answer = await run.ask(question)
    mine.start_clock()
    if answer.action == "stop":
        raise Stopped(answer.checkpoint, mine.name)
    return answer
