"""Structured answers that crewai gets around its own models: by the library `instructor`, straight from a client.

crewai/utilities/internal_instructor.py, used by converters of `output_json` on models that call functions.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from crewai.utilities.internal_instructor import InternalInstructor

from protocol.events import LlmCompleted
from server.crews.calls import costs
from server.crews.calls.models import CALL, ModelCall, name_of
from server.crews.calls.ways import Direct, at_once
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import INSIDE_TOOL, RUN, TASK


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
        outer = CALL.get()
        if outer is not None and outer.model is self.llm:  # a model on LiteLLM asks so itself: that is one call
            answer = method(self)
            outer.around = _reported(answer)
            return answer
        call = ModelCall.about(run, self.llm, self.content, None, self.model)
        if (recalled := call.recall()) is not None:
            return recalled[0]
        return _made(call, lambda: method(self))

    return to_pydantic


def _made(call: ModelCall, ask: Callable[[], Any]) -> Any:
    with call.run.calling(safe=not INSIDE_TOOL.get()):
        call.tell_started()
        try:
            answer = ask()
        except Exception:
            call.run.emit(_ended(call, None))
            raise
    call.ended.append(_ended(call, _reported(answer)))
    at_once(call.keep(Direct(call.run), answer))
    return answer


def _ended(call: ModelCall, reported: Mapping[str, Any] | None) -> LlmCompleted:
    """Price what a call used, and count it for its part; without a report nobody knows whether it was charged."""
    name, provider, usage = name_of(call.model), costs.provider_of(call.model), None
    if reported is None:
        costs.unpriced(call.run, name, provider)
    else:
        usage = costs.spent(call.run, name, provider, reported)
    if mine := TASK.get():
        mine.spend(usage)
    return call.end(usage)


def _reported(answer: Any) -> Mapping[str, Any] | None:
    """Read the usage from the provider's own answer, which `instructor` hangs on what it makes of it."""
    reported = getattr(getattr(answer, "_raw_response", None), "usage", None)
    dump = getattr(reported, "model_dump", None)
    told = dump() if dump is not None else None
    return told if isinstance(told, Mapping) else None
