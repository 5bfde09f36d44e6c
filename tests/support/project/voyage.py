"""Flows with crews and people in them: one by one, side by side, and in a race. Each body of the first signs a ledger.

The prompts of its crews say `do TASK about TOPIC`, as those of the story crew do.
"""

import os
from pathlib import Path
from typing import Any

from crewai import LLM, Agent, Crew, Task
from crewai.flow.flow import Flow, and_, listen, or_, start
from crewai.flow.human_feedback import human_feedback
from pydantic import BaseModel


class Log(BaseModel):
    topic: str = ""
    texts: list[str] = []


def crew(*names: str) -> Any:
    model = LLM(model="openai/gpt-4o-mini", base_url=os.environ["TEST_MODEL"], api_key="sk-test-0123456789")
    writer = Agent(role="Writer", goal="Write well", backstory="You have written a lot.", llm=model, max_retry_limit=0)
    tasks = [
        Task(name=name, description=f"do {name} about {{topic}}", expected_output="A short text.", agent=writer)
        for name in names
    ]
    return Crew(agents=[writer], tasks=tasks)


class Voyage(Flow[Log]):
    """Write about a topic with two crews."""

    @start()
    def prepare(self) -> str:
        self._sign("prepare")
        return "ready"

    @listen(prepare)
    def write(self) -> str:
        text = crew("draft", "polish").kickoff(inputs={"topic": self.state.topic}).raw
        self.state.texts.append(text)
        self._sign("write")
        return str(text)

    @listen(write)
    @human_feedback(message="Go on?", emit=["on", "back"], llm="none/none")
    def judge(self, text: str) -> str:
        return text

    @listen("on")
    async def publish(self) -> None:
        result = await crew("publish").akickoff(inputs={"topic": self.state.topic})
        self._sign("publish")
        self.state.texts.append(result.raw)

    @listen("on")
    def weather(self) -> None:
        self._sign(f"weather {self.ask('How is the weather?')}")

    @listen(and_(publish, weather))
    def end(self) -> dict[str, Any]:
        self._sign("end")
        return {"texts": self.state.texts}

    def _sign(self, what: str) -> None:
        with Path(os.environ["TEST_LEDGER"]).open("a") as ledger:
            ledger.write(f"{self.state.topic} {what}\n")


class Either(Flow[Log]):
    """Take a person's word, or a model's, whatever comes first."""

    @start()
    def begin(self) -> None:
        return None

    @listen(begin)
    @human_feedback(message="What is it?")
    def ask_person(self) -> str:
        return "a person is asked"

    @listen(begin)
    def think(self) -> str:
        return str(crew("draft").kickoff(inputs={"topic": self.state.topic}).raw)

    @listen(or_(ask_person, think))
    def end(self, found: Any) -> str:
        return str(getattr(found, "feedback", found))
