"""`human_input=True`: an agent's answer is put to a person here, and not to the console of the server.

crewai asks in the middle of the agent's work, so a revision goes on in the agent's own conversation: see
crewai/core/providers/human_input.py, whose provider is found by a context variable.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from crewai import Task
from crewai.agents.parser import AgentFinish
from pydantic import BaseModel

from protocol.events import TaskStarted
from protocol.objects import Draft
from server.crews import outputs
from server.crews.calls.ways import Direct, Way, at_once, way
from server.crews.names import role
from server.crews.questions import input_question, training_question
from server.crews.review import Misfit, asked, review
from server.crews.run import TASK, Run
from server.crews.tasks import TaskRun
from server.runnable import Question

#: Lets the agent work again on what its conversation holds by now.
Again = Callable[[], Awaitable[AgentFinish]]


class Discarded(BaseException):
    """Raised through an agent whose answer is skipped: nothing of it is converted, checked or kept.

    A BaseException: no handler inside the crew may swallow it.
    """


class HumanInput:
    """Asks on behalf of one execution. Implements crewai's `HumanInputProvider`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def setup_messages(self, context: Any) -> bool:
        """Leave the conversation as crewai begins it."""
        return False

    def post_setup_messages(self, context: Any) -> None:
        """Leave the conversation as crewai begins it."""

    def handle_feedback(self, formatted_answer: AgentFinish, context: Any) -> AgentFinish:
        """Hold an answer of an agent that works in a thread."""

        async def again() -> AgentFinish:
            answer: AgentFinish = context._invoke_loop()
            return answer

        return at_once(self._hold(formatted_answer, context, Direct(self._run), again))

    async def handle_feedback_async(self, formatted_answer: AgentFinish, context: Any) -> AgentFinish:
        """Hold an answer of an agent that works on a loop."""
        return await self._hold(formatted_answer, context, way(self._run), context._ainvoke_loop)

    @staticmethod
    def _get_output_string(answer: AgentFinish) -> str:
        return answer.output.model_dump_json() if isinstance(answer.output, BaseModel) else str(answer.output)

    async def _hold(self, answer: AgentFinish, context: Any, through: Way, again: Again) -> AgentFinish:
        mine, step = self._run.find(context.task), self._run.step("input").lstrip("/")
        if context._is_training_mode():
            return await self._train(mine, answer, context, through, again, step)
        if mine is not None and mine.reviewed:
            return answer  # a revision that was asked for at the gate after the task is shown there
        subject = _Answer(self._run, context, again, mine, step, answer)
        if not await review(through, mine or TASK.get(), subject):
            raise Discarded
        return subject.answer

    async def _train(
        self, mine: TaskRun | None, answer: AgentFinish, context: Any, through: Way, again: Again, step: str
    ) -> AgentFinish:
        """Do what crewai's own provider does, with a person's answer from here."""
        draft = outputs.shown(context.task, answer.output, self._get_output_string(answer))
        given = await asked(
            through, mine or TASK.get(), training_question(mine, context.task, step, context.agent, draft)
        )
        feedback = str(given.response if given.response is not None else given.feedback or "")
        context._handle_crew_training_output(answer, feedback)
        context.messages.append(context._format_feedback_message(feedback))
        improved = await again()
        context._handle_crew_training_output(improved)
        return improved


class _Answer:
    """An agent's answer as it is reviewed. Implements `review.Subject`."""

    def __init__(
        self, run: Run, context: Any, again: Again, mine: TaskRun | None, step: str, answer: AgentFinish
    ) -> None:
        self.answer = answer
        self._run = run
        self._context = context
        self._again = again
        self._mine = mine
        self._step = step
        self._revisions = 0

    @property
    def _task(self) -> Task:
        task: Task = self._context.task
        return task

    def question(self, version: int, misfit: Misfit | None) -> Question:
        draft: Draft = outputs.shown(self._task, self.answer.output, HumanInput._get_output_string(self.answer))
        return input_question(self._mine, self._task, self._step, self._context.agent, draft, version, misfit)

    def replace(self, text: str) -> str | None:
        value, complaint = outputs.read(self._task, text)
        if complaint:
            return complaint
        self.answer.output = value if isinstance(self.answer.output, BaseModel) and value is not None else text
        self.answer.text = text  # which is what memory keeps
        if self._mine is not None:
            self._mine.edited = True
        return None

    async def revise(self, feedback: str, shown: Misfit | None) -> None:
        self._tell_round()
        self._remember()
        request = f"{feedback}\n\nGo on from this text of mine:\n{shown.text}" if shown else feedback
        self._context.messages.append(self._context._format_feedback_message(request))
        self.answer = await self._again()

    def _remember(self) -> None:
        """Have the conversation hold the answer that was judged: crewai leaves it out where no tool was called."""
        messages = self._context.messages
        if not messages or messages[-1].get("role") != "assistant":
            messages.append({"role": "assistant", "content": HumanInput._get_output_string(self.answer)})

    def _tell_round(self) -> None:
        self._revisions += 1
        mine = self._mine
        if mine is not None:
            mine.rounds += 1
            event = TaskStarted(task=mine.name, index=mine.index, agent=role(self._context.agent), round=mine.rounds)
            self._run.emit(event, once=f"{self._step}/started/{self._revisions}")
