"""The two places where a task is held for a person: before it starts, and when its output is there.

The gate after a task stands in the task's callback slot: behind the guardrails, and in front of the user's own
callbacks, the output file and everything downstream, so that none of them ever sees a draft that was not accepted.
"""

from collections.abc import Callable
from typing import Any

from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.tasks.task_output import TaskOutput

from protocol.events import TaskStarted
from protocol.objects import CrewCheckpoint
from server.crews import outputs
from server.crews.callbacks import call_once
from server.crews.names import role
from server.crews.questions import after_question, before_question
from server.crews.review import Misfit, asked, review
from server.crews.revision import redraft
from server.crews.run import Run
from server.crews.tasks import TaskRun
from server.runnable import Question

Callback = Callable[[TaskOutput], Any]
SKIPPED = "Skipped by a person."


async def hold_before(run: Run, mine: TaskRun, agent: BaseAgent, context: str | None) -> str | None:
    """Ask whether the task may start, and give the context it starts with. `mine.skipped` is set when it may not."""
    for checkpoint in mine.before:
        answer = await asked(run, mine, before_question(mine, checkpoint, agent, 1))
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
    """The callback of a task: holds the output until it is accepted, then calls the author's own callback.

    One that is the whole crew's too is left to the crew, as crewai does it: it is called once.
    """

    def __init__(self, run: Run, mine: TaskRun, original: Callback | None, shared: Callback | None = None) -> None:
        self._run = run
        self._mine = mine
        self.original = original
        self._own = None if original == shared else original
        self._drafts = 0

    async def __call__(self, output: TaskOutput) -> None:
        """Give control back when `output`, changed in place, is what a person accepted."""
        if self._mine.after:
            self._mine.reviewed = True
            await self._keep(output)
            await self._hold(output)
        if not self._mine.skipped and self._own is not None:
            await call_once(self._run, self._run, self._mine.step("callback"), self._own, output)

    async def _hold(self, output: TaskOutput) -> None:
        for checkpoint in self._mine.after:
            if not await review(self._run, self._mine, _Draft(self, self._mine, checkpoint, output)):
                self._mine.skipped = SKIPPED
                output.raw, output.pydantic, output.json_dict = "", None, None
                return

    async def revise(self, output: TaskOutput, feedback: str, shown: str) -> None:
        """Have the agent make the next draft, or find it where an earlier attempt left it."""
        earlier = self._recall(self._drafts + 1)
        if earlier is None:
            self._mine.start_clock()
            self._tell_round()
            with self._mine.round(self._drafts + 1):
                earlier = await redraft(self._mine.task, output, shown, feedback, self._mine.prepared_tools)
        copy_output(earlier, output)
        self._mine.edited = False
        await self._keep(output)

    def _tell_round(self) -> None:
        self._mine.rounds += 1
        event = TaskStarted(
            task=self._mine.name, index=self._mine.index, agent=role(self._mine.task.agent), round=self._mine.rounds
        )
        self._run.emit(event, once=self._mine.step("started", self._drafts + 1))

    def _recall(self, draft: int) -> TaskOutput | None:
        stored = outputs.load(self._run.journal.recall(self._mine.step("draft", draft)))
        return None if stored is None else self._mine.take_up(stored)

    async def _keep(self, output: TaskOutput) -> None:
        """Record the draft before it is shown, so that a second attempt finds it and need not make another."""
        self._drafts += 1
        step = self._mine.step("draft", self._drafts)
        if self._run.journal.recall(step) is None:
            await self._run.record(step, outputs.dump(output, self._mine.work()))


class _Draft:
    """A task's output at one checkpoint. Implements `review.Subject`."""

    def __init__(self, gate: AfterGate, mine: TaskRun, checkpoint: CrewCheckpoint, output: TaskOutput) -> None:
        self._gate = gate
        self._mine = mine
        self._checkpoint = checkpoint
        self._output = output

    def question(self, version: int, misfit: Misfit | None) -> Question:
        return after_question(self._mine, self._checkpoint, self._output, version, misfit)

    def replace(self, text: str) -> str | None:
        complaint = outputs.replace(self._mine.task, self._output, text)
        self._mine.edited = self._mine.edited or complaint is None
        return complaint

    async def revise(self, feedback: str, shown: Misfit | None) -> None:
        await self._gate.revise(self._output, feedback, shown.text if shown else self._output.raw)


def copy_output(source: TaskOutput, target: TaskOutput) -> None:
    """Make `target`, which crewai already holds, say what `source` says."""
    for name in ("raw", "pydantic", "json_dict", "messages", "tool_failures"):
        setattr(target, name, getattr(source, name))
