"""`Flow.ask`: a question in the middle of a method."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from crewai.flow.flow_context import current_flow_method_name
from crewai.flow.runtime import Flow

from protocol.objects import Draft
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.flows.results import told
from server.crews.questions import RESPOND, STOP, heading
from server.crews.run import RUN, TASK, Run
from server.runnable import Answer, Question, Stopped

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
        self._checkpoint_state_for_ask()
        response = _response(_asked(run, _question(run, message, timeout, metadata)))
        self._input_history.append(
            {
                "message": message,
                "response": response,
                "method_name": current_flow_method_name.get(),
                "timestamp": datetime.now(),
                "metadata": metadata,
                "response_metadata": None,
            }
        )
        return response

    return ask


def _question(run: Run, message: str, timeout: float | None, metadata: dict[str, Any] | None) -> Question:
    mine = TASK.get()
    title, description = heading(message)
    return Question(
        step=run.step(f"ask.{fingerprint(message)}").lstrip("/"),
        version=1,
        name="ask",
        kind="ask",
        title=title,
        description=description,
        draft=Draft(text=""),
        actions=(RESPOND, STOP),
        task=mine.name if mine else None,
        facts=told(metadata or {}),
        seconds=timeout,
        on_deadline=None if timeout is None else EXPIRED,
    )


def _asked(run: Run, question: Question) -> Answer:
    mine = TASK.get()
    if mine is None:
        return run.ask_now(question)
    mine.stop_clock()
    answer = run.ask_now(question)
    mine.start_clock()
    return answer


def _response(answer: Answer) -> str | None:
    """Give the answer as text; None when the time was over."""
    if answer.action == "stop":
        mine = TASK.get()
        raise Stopped(answer.checkpoint, mine.name if mine else None)
    if answer.action == EXPIRED:
        return None
    return str(answer.response if answer.response is not None else answer.feedback or "")
