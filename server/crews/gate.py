"""The two places where a task is held for a person: before it starts, and when its output is there.

The gate after a task stands in the task's callback slot: behind the guardrails, and in front of the user's own
callbacks, the output file and everything downstream, so that none of them ever sees a draft that was not accepted.
"""

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.tasks.task_output import TaskOutput

from protocol.events import TaskStarted
from protocol.objects import CrewCheckpoint
from server.crews import outputs
from server.crews.names import role
from server.crews.questions import after_question, before_question
from server.crews.revision import redraft
from server.crews.run import Run
from server.crews.tasks import TaskRun
from server.runnable import Answer, Question, Stopped

SKIPPED = "Skipped by a person."


async def hold_before(run: Run, mine: TaskRun, agent: BaseAgent, context: str | None) -> str | None:
    """Ask whether the task may start, and give the context it starts with. `mine.skipped` is set when it may not."""
    for checkpoint in mine.before:
        answer = await _ask(run, mine, before_question(mine, checkpoint, agent, 1))
        if answer.action == "skip":
            mine.skipped = SKIPPED
            break
        if answer.action == "edit" and answer.output:
            mine.task.description = answer.output
        if answer.feedback:
            context = joined(context, f"A person says: {answer.feedback}")
    return context


def joined(context: str | None, text: str) -> str:
    """Append to a task's context."""
    return f"{context}\n\n{text}" if context else text


class AfterGate:
    """The callback of a task: holds the output until it is accepted, then calls the user's own callback."""

    def __init__(self, run: Run, mine: TaskRun, users: Callable[[TaskOutput], Any] | None) -> None:
        self._run = run
        self._mine = mine
        self.users = users
        self._drafts = 0

    async def __call__(self, output: TaskOutput) -> None:
        """Give control back when `output`, changed in place, is what a person accepted."""
        if self._mine.after:
            await self._keep(output)
            await self._hold(output)
        if not self._mine.skipped and self.users is not None:
            result = self.users(output)
            if inspect.isawaitable(result):
                await result

    async def _hold(self, output: TaskOutput) -> None:
        for checkpoint in self._mine.after:
            await self._settle(checkpoint, output)
            if self._mine.skipped:
                return

    async def _settle(self, checkpoint: CrewCheckpoint, output: TaskOutput) -> None:
        complaint: str | None = None
        version = 0
        while True:
            version += 1
            question = after_question(self._mine, checkpoint, output, version, complaint)
            answer = await _ask(self._run, self._mine, question)
            match answer.action:
                case "approve":
                    return
                case "skip":
                    self._discard(output)
                    return
                case "edit":
                    complaint = outputs.replace(self._mine.task, output, answer.output or "")
                    if complaint is None:
                        self._mine.edited = True
                        return
                case "revise":
                    complaint = None
                    await self._revise(output, answer.feedback or "")
                case other:
                    raise ValueError(f"The answer {other!r} is not one of those that were offered.")

    def _discard(self, output: TaskOutput) -> None:
        self._mine.skipped = SKIPPED
        output.raw, output.pydantic, output.json_dict = "", None, None

    async def _revise(self, output: TaskOutput, feedback: str) -> None:
        earlier = self._recall(self._drafts + 1)
        if earlier is None:
            self._mine.start_clock()
            agent = role(self._mine.task.agent)
            number = self._drafts + 1
            event = TaskStarted(task=self._mine.name, index=self._mine.index, agent=agent, round=number)
            self._run.emit(event, once=self._mine.step("started", number))
            with self._mine.round(number):
                earlier = await redraft(self._mine.task, output, feedback, self._mine.prepared_tools)
        copy_output(earlier, output)
        self._mine.edited = False
        await self._keep(output)

    def _recall(self, draft: int) -> TaskOutput | None:
        stored = outputs.load(self._run.journal.recall(self._mine.step("draft", draft)))
        return None if stored is None else self._mine.take_up(stored)

    async def _keep(self, output: TaskOutput) -> None:
        """Record the draft before it is shown, so that a second attempt finds it and need not make another."""
        self._drafts += 1
        step = self._mine.step("draft", self._drafts)
        if self._run.journal.recall(step) is None:
            await self._run.record(step, outputs.dump(output, self._mine.work()))


def copy_output(source: TaskOutput, target: TaskOutput) -> None:
    """Make `target`, which crewai already holds, say what `source` says."""
    for name in ("raw", "pydantic", "json_dict", "messages", "tool_failures"):
        setattr(target, name, getattr(source, name))


async def _ask(run: Run, mine: TaskRun, question: Question) -> Answer:
    mine.stop_clock()
    answer = await run.ask(question)
    mine.start_clock()
    if answer.action == "stop":
        _stop(answer, mine)
    return answer


def _stop(answer: Answer, mine: TaskRun) -> NoReturn:
    raise Stopped(answer.checkpoint, mine.name)
