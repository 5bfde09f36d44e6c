"""Structured answers that crewai gets around its own models: by the library `instructor`, straight from a client.

crewai/utilities/internal_instructor.py, used by converters of `output_json` on models that call functions.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from crewai.utilities.internal_instructor import InternalInstructor

from protocol.events import LlmCompleted
from server.crews.calls.codec import Answered, decode, encode, read_answered, to_bytes
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.ways import Direct, at_once
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import RUN, TASK, Run


def install() -> None:
    """Wrap the one method through which all of them go."""
    if not is_wrapped(InternalInstructor.to_pydantic):
        replace(InternalInstructor, "to_pydantic", _to_pydantic(InternalInstructor.to_pydantic))


def _to_pydantic(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def to_pydantic(self: Any) -> Any:
        run = RUN.get()
        if run is None:
            return method(self)
        step = run.step(f"instructor.{fingerprint(self.content, self.model.__name__)}")
        if (stored := run.journal.recall(step)) is not None:
            return decode(read_answered(stored).answer, self.model)
        return _made(run, step, lambda: method(self), str(getattr(self.llm, "model", self.llm)))

    return to_pydantic


def _made(run: Run, step: str, call: Callable[[], Any], model: str) -> Any:
    mine = TASK.get()
    task = mine.name if mine else None
    with run.calling():
        answer = call()
    event = LlmCompleted(call=step, stream=step, model=model, task=task)
    kept = to_bytes(Answered(answer=encode(answer), call=step, model=model))
    at_once(Direct(run).record(step, kept, event=event))
    return answer
