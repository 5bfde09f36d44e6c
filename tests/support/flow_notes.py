"""What the bodies of flows note, and the model of the crews within: a flow is a class, and sees no fixture."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.crews import Crew, agent, task
from tests.support.openai_server import OpenAIServer

#: What has been done, in order.
BODIES: list[str] = []
#: What was sent to elsewhere.
SENT: list[str] = []
#: What some wait for until others let them go on.
GATES: dict[str, threading.Event] = {}
#: The model of the test that runs, alone in its list.
SERVER: list[OpenAIServer] = []


@contextmanager
def noting() -> Iterator[OpenAIServer]:
    """Begin without notes, with a model for one test."""
    for notes in (BODIES, SENT, GATES, SERVER):
        notes.clear()
    with OpenAIServer() as server:
        SERVER.append(server)
        yield server


def one_task(name: str, tools: list[Any] | None = None, **settings: Any) -> Any:
    """Make a crew of one agent with one task, on the test's model."""
    writer = agent(SERVER[0], tools=tools or [])
    return Crew(agents=[writer], tasks=[task(name, writer, **settings)])
