"""Structured answers that crewai gets around its own models: by the library `instructor`, straight from a client.

crewai/utilities/internal_instructor.py, used by converters of `output_json` on models that call functions.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from crewai.utilities.internal_instructor import InternalInstructor

from protocol.objects import Usage
from server.crews.calls import costs
from server.crews.calls.models import ModelCall, name_of
from server.crews.calls.ways import Direct, at_once
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import INSIDE_TOOL, RUN, TASK, Run


def install() -> None:
    """Wrap the one method through which all of them go."""
    if not is_wrapped(InternalInstructor.to_pydantic):
        replace(InternalInstructor, "to_pydantic", _to_pydantic(InternalInstructor.to_pydantic))


def _to_pydantic(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def to_pydantic(self: Any) -> Any:
        run = RUN.get()
        if run is None or self.llm is None:
            return method(self)
        call = ModelCall.about(run, self.llm, self.content, None, self.model)
        if (recalled := call.recall()) is not None:
            return recalled[0]
        return _made(run, call, lambda: method(self))

    return to_pydantic


def _made(run: Run, call: ModelCall, ask: Callable[[], Any]) -> Any:
    with run.calling(safe=not INSIDE_TOOL.get()):
        call.tell_started()
        answer = ask()
    usage = _used(run, call.model, answer)
    if usage and (mine := TASK.get()):
        mine.spend(usage)
    call.ended.append(call.end(usage))
    at_once(call.keep(Direct(run), answer))
    return answer


def _used(run: Run, model: Any, answer: Any) -> Usage | None:
    """Read and price the usage from the provider's own answer, which `instructor` hangs on what it makes of it."""
    reported = getattr(getattr(answer, "_raw_response", None), "usage", None)
    dump = getattr(reported, "model_dump", None)
    if dump is None:
        costs.unpriced(run, name_of(model))
        return None
    return costs.spent(run, name_of(model), getattr(model, "provider", None) or "", dump())
