"""`Flow.ask`: a question in the middle of a method."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from crewai.flow.runtime import Flow

from protocol.objects import Action, Draft
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import RUN, TASK
from server.runnable import Question, Stopped

ACTIONS = (Action(id="respond", label="Answer"), Action(id="stop", label="Stop run", confirm=True))
#: What a question becomes whose time is over.
EXPIRED = "expire"


def install() -> None:
    """Wrap the question itself: what crewai does around it is for its own consoles."""
    if not is_wrapped(Flow.ask):
        replace(Flow, "ask", _ask(Flow.ask))


def _ask(original: Callable[..., str | None]) -> Callable[..., str | None]:
    @wraps(original)
    def ask(
        self: Flow[Any], message: str, timeout: float | None = None, metadata: dict[str, Any] | None = None
    ) -> str | None:
        run = RUN.get()
        if run is None:
            return original(self, message, timeout, metadata)
        mine = TASK.get()
        question = Question(
            step=run.step(f"ask.{fingerprint(message)}").lstrip("/"),
            version=1,
            name="ask",
            kind="ask",
            title=message.strip().partition("\n")[0][:200],
            description=message if "\n" in message.strip() else "",
            draft=Draft(text=""),
            actions=ACTIONS,
            task=mine.name if mine else None,
            facts={str(name): value for name, value in (metadata or {}).items()},
            seconds=timeout,
            on_deadline=None if timeout is None else EXPIRED,
        )
        answer = run.ask_now(question)
        if answer.action == "stop":
            raise Stopped(answer.checkpoint, mine.name if mine else None)
        if answer.action == EXPIRED:
            return None
        return str(answer.response if answer.response is not None else answer.feedback or "")

    return ask
