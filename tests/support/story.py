"""What the model says to the crew `story`: texts that name their task and topic, and streams that can be held."""

import re
import threading
from collections.abc import Callable

from tests.support.openai_server import OpenAIServer, Reply

PROMPT = re.compile(r"do (\w+) about (\S+)")
FEEDBACK = re.compile(r"A person asks you to revise it:\n(.*)")
TASKS = ["draft", "polish", "publish"]
START = {"crew": "story"}


def told(task: str, topic: str, feedback: str = "") -> str:
    """What the model answers for a task."""
    return f"This is the {task} of {topic}, as it was asked for{f' with {feedback}' if feedback else ''}."


class Storyteller:
    """The model behind the crew, on a server of this test process."""

    def __init__(self, server: OpenAIServer) -> None:
        self.server = server
        self._held: dict[tuple[str, str], threading.Event] = {}
        server.script(self._answer)

    def hold(self, task: str, topic: str) -> Callable[[], None]:
        """Let calls for a task and topic wait, until what this returns is called."""
        event = self._held[task, topic] = threading.Event()

        def release() -> None:
            self._held.pop((task, topic), None)
            event.set()

        return release

    def calls(self, task: str, topic: str) -> int:
        """Count the calls that were made for a task and topic."""
        return len(self.server.prompts(f"do {task} about {topic}\n"))

    def _answer(self, prompt: str) -> Reply:
        task, topic = PROMPT.findall(prompt)[-1]
        feedback = FEEDBACK.search(prompt)
        return Reply(told(task, topic, feedback[1].strip() if feedback else ""), hold=self._held.get((task, topic)))
