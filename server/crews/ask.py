"""A tool with which agents ask people, for the authors of crews.

    from server.crews.ask import ask_human

    Agent(…, tools=[ask_human])
    Agent(…, tools=[ask_human(schema=Budget, name="ask_budget", description="Ask the client for the budget.")])

In an execution the question is a checkpoint, and the answer is the tool's result; anywhere else it is asked on the
console. The answer is not recorded as a tool's, for it is kept as the checkpoint's.
"""

import asyncio
from typing import Any, ClassVar

from crewai.events.event_listener import event_listener
from crewai.tools.base_tool import BaseTool
from pydantic import BaseModel, Field, PrivateAttr

from protocol.objects import Action, Draft
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.told import agent_at_hand
from server.crews.calls.ways import Direct, Way, at_once, way
from server.crews.questions import RESPOND, SKIP, STOP, heading
from server.crews.run import RUN, TASK, Run
from server.crews.typed import Form
from server.runnable import Answer, Question, Stopped

ACTIONS = (RESPOND, Action(id=SKIP.id, label="Nobody can say"), STOP)
NOBODY = "Nobody can say. Go on without an answer, and tell what you have assumed."
PURPOSE = (
    "Ask a person one clear question, and get their answer. Use it for what only a person can know or decide; say in "
    "the question all that they need for the answer."
)


def _never(_arguments: Any = None, _result: Any = None) -> bool:
    """Keep an answer out of crewai's cache: who asks again wants to know again."""
    return False


class Asked(BaseModel):
    """What an agent gives to the tool."""

    question: str = Field(description="The question to the person, complete in itself.")


class AskHuman(BaseTool):
    """Ask a person; see the module. Called, it makes a tool for another purpose, or for typed answers."""

    #: Tells `calls.tools` that there is nothing to record here.
    quarterdeck_asks: ClassVar[bool] = True

    name: str = "ask_human"
    description: str = PURPOSE
    args_schema: type[BaseModel] = Asked
    cache_function: Any = _never
    _form: Form | None = PrivateAttr(default=None)

    def __call__(self, *, schema: Any = None, name: str | None = None, description: str | None = None) -> "AskHuman":
        """Make a tool that asks for answers of one type: a pydantic model, any type it reads, or a JSON Schema.

        The result is then JSON that fits; an answer that does not is asked for again, with the reason.
        """
        made = AskHuman(name=name or self.name, description=description or PURPOSE)
        made._form = Form(schema) if schema is not None else None
        return made

    def _run(self, question: str) -> str:
        run = RUN.get()
        return self._ask_console(question) if run is None else at_once(self._ask(run, Direct(run), question))

    async def _arun(self, question: str) -> str:
        run = RUN.get()
        if run is None:
            return await asyncio.to_thread(self._ask_console, question)
        return await self._ask(run, way(run), question)

    async def _ask(self, run: Run, through: Way, question: str) -> str:
        step = run.step(f"ask.{fingerprint(self.name, question)}").lstrip("/")
        version, wrong = 0, ""
        agent = agent_at_hand()
        while True:
            version += 1
            answer = await through.ask(self._question(step, version, question, agent, wrong))
            if answer.action != "respond":
                return _unanswered(answer)
            text, wrong = self._read(answer.feedback if answer.response is None else answer.response)
            if not wrong:
                return text

    def _question(self, step: str, version: int, question: str, agent: str | None, wrong: str) -> Question:
        mine = TASK.get()
        title, more = heading(question)
        complaint = f"The answer does not fit what is asked for: {wrong}" if wrong else ""
        return Question(
            step=step,
            version=version,
            name=self.name,
            kind="ask",
            title=title,
            description="\n\n".join(text for text in (complaint, more) if text),
            draft=Draft(text=""),
            actions=ACTIONS,
            task=mine.name if mine else None,
            agent=agent,
            schema=self._form.schema if self._form else None,
        )

    def _read(self, value: Any) -> tuple[str, str]:
        """Give the answer as the agent reads it, and why it does not do; one of them is empty."""
        if self._form is not None:
            return self._form.read(value)
        text = "" if value is None else str(value).strip()
        return (text, "") if text else ("", "it is empty")

    def _ask_console(self, question: str) -> str:
        formatter = event_listener.formatter
        formatter.pause_live_updates()
        try:
            return self._answered(question)
        except EOFError:
            return NOBODY
        finally:
            formatter.resume_live_updates()

    def _answered(self, question: str) -> str:
        prompt = f"\n{question}\n> "
        while True:
            text, wrong = self._read(input(prompt))
            if not wrong:
                return text
            prompt = f"{wrong}\n> "


def _unanswered(answer: Answer) -> str:
    if answer.action == "stop":
        mine = TASK.get()
        raise Stopped(answer.checkpoint, mine.name if mine else None)
    return f"{NOBODY} The person says: {answer.feedback}" if answer.feedback else NOBODY


#: The tool for free answers.
ask_human = AskHuman()
