"""A model asked on the event loop, by `acall`, where CrewAI asks it in a thread, by `call`.

About `crewai/agents/agent_executor.py`: its two steps that ask a model are synchronous around one call of
`get_llm_response`. Here such a step runs up to that call and is left; the model is asked by `aget_llm_response` with
the same arguments; then the step runs again, gets that answer or error from the same call, and goes on. Up to the call
a step does nothing that may not be done twice.

Asked on the loop, a crew that waits for its model holds no thread, and one that is cancelled leaves no call behind.
"""

import asyncio
import sys
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from crewai.agents.agent_executor import AgentExecutor
from crewai.hooks.dispatch import InterceptionPoint, get_scoped_hooks
from crewai.llms.base_llm import BaseLLM
from crewai.utilities.agent_utils import aget_llm_response, get_llm_response

from server.crews.run import Run
from server.crews.speed.contract import replace

ASKING = frozenset({"call_llm_and_parse", "call_llm_native_tools"})
#: Where `acall` is `call` word for word, on an asynchronous client: compared in CrewAI 1.15.30. A model of any other
#: kind is asked in a thread: LiteLLM and Bedrock differ, and what a user's own `acall` does is not known.
NATIVE = frozenset({"crewai.llms.providers.openai.completion"})
MODULE = sys.modules[AgentExecutor.__module__]
RELIES_ON = {
    "crewai.agents.agent_executor:AgentExecutor.call_llm_and_parse": "f8763cee8674f4e9",
    "crewai.agents.agent_executor:AgentExecutor.call_llm_native_tools": "96e2e9ae1291da16",
    "crewai.utilities.agent_utils:get_llm_response": "ef3f3439d578131b",
    "crewai.utilities.agent_utils:aget_llm_response": "f72a94bcfd08c3f3",
    "crewai.utilities.agent_utils:enforce_rpm_limit": "14206129755427eb",
    "crewai.llms.providers.openai.completion:OpenAICompletion.acall": "2ae3016669a7fb89",
    "crewai.llms.providers.openai.completion:OpenAICompletion._acall_completions": "e5f0dd57a7b3c3d5",
    "crewai.llms.providers.openai.completion:OpenAICompletion._ahandle_completion": "e971ddeedd262d34",
    "crewai.llms.providers.openai.completion:OpenAICompletion._ahandle_streaming_completion": "313454cb24a307e7",
    "crewai.llms.providers.openai.completion:OpenAICompletion._acall_responses": "dddd0e1ed0ea3576",
    "crewai.llms.providers.openai.completion:OpenAICompletion._ahandle_responses": "1d7937cc28b5fa43",
    "crewai.llms.providers.openai.completion:OpenAICompletion._ahandle_streaming_responses": "194f0dd26d858808",
}

Arguments = dict[str, Any]
#: What answers `get_llm_response` in the current step: nothing of ours outside of `ask`.
_answering: ContextVar[Callable[[Arguments], Any] | None] = ContextVar("quarterdeck_answering", default=None)


class _Asked(BaseException):
    """Leaves a step at its call of the model. A BaseException: the step itself must not handle it."""

    def __init__(self, arguments: Arguments) -> None:
        super().__init__()
        self.arguments = arguments


def install() -> None:
    """Put ourselves between the steps and their model."""
    replace(MODULE, "get_llm_response", _get_llm_response)


def _get_llm_response(**arguments: Any) -> Any:
    answer = _answering.get()
    return get_llm_response(**arguments) if answer is None else answer(arguments)


def possible(executor: AgentExecutor, run: Run) -> bool:
    """Tell whether the model can be asked on this loop, and nothing of the user's would have to run on it."""
    return (
        run.loop is asyncio.get_running_loop()  # a client serves one loop, and delegates have their own
        and executor.step_callback is None
        and executor.request_within_rpm_limit is None
        and not _hooked(executor)
        and _native(executor.llm)
    )


def _hooked(executor: AgentExecutor) -> bool:
    points = (InterceptionPoint.PRE_MODEL_CALL, InterceptionPoint.POST_MODEL_CALL)
    registered = executor.before_llm_call_hooks or executor.after_llm_call_hooks
    return bool(registered) or any(get_scoped_hooks(point) for point in points)


def _native(llm: BaseLLM | None) -> bool:
    """Tell whether a model's `call` and `acall` are the same provider's, over clients that CrewAI makes itself."""
    makers = {_maker(type(llm), name) for name in ("call", "acall")}
    custom = getattr(llm, "interceptor", None) or getattr(llm, "client_params", None)
    return len(makers) == 1 and makers <= NATIVE and not custom


def _maker(kind: type, name: str) -> str | None:
    return next((base.__module__ for base in kind.__mro__ if name in vars(base)), None)


async def ask(executor: AgentExecutor, step: Callable[[], Any]) -> Any:
    """Run a step with its model asked on the loop."""
    try:
        return _run(step, _leave)  # a step that has nothing to ask ends here
    except _Asked as asked:
        arguments = asked.arguments
    if arguments.get("response_model") is not None and executor.llm and executor.llm._effective_stream():
        return await asyncio.to_thread(step)  # streamed, an answer that does not fit its model is an error only there
    return _run(step, await _answer(arguments))


async def _answer(arguments: Arguments) -> Callable[[Arguments], Any]:
    """Ask, and give what answers the step: it must see an error where it would have seen it, too."""
    try:
        answer = await aget_llm_response(**arguments)
    except Exception as error:
        return _raising(error)
    return lambda _: answer


def _raising(error: Exception) -> Callable[[Arguments], Any]:
    def answer(_: Arguments) -> Any:
        raise error

    return answer


def _leave(arguments: Arguments) -> Any:
    raise _Asked(arguments)


def _run(step: Callable[[], Any], answer: Callable[[Arguments], Any]) -> Any:
    context = copy_context()
    context.run(_answering.set, answer)
    return context.run(step)
