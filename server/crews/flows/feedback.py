"""`@human_feedback`: the method's output as a checkpoint, its outcomes as buttons that need no model.

crewai asks one provider for all flows, or one that the flow's author names; in an execution, people are asked here.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from crewai.flow import runtime
from crewai.flow.runtime import Flow

from protocol.objects import Action, Draft
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.flows.results import structure, text
from server.crews.names import title
from server.crews.run import RUN, TASK, Run
from server.runnable import Answer, Question, Stopped

OUTCOME = "outcome:"
APPROVE = Action(id="approve", label="Go on")
RESPOND = Action(id="respond", label="Answer in words")
STOP = Action(id="stop", label="Stop run", confirm=True)
#: The outcome that a person pressed, for the feedback that is being worked on.
PRESSED: ContextVar[list[str]] = ContextVar("quarterdeck_pressed")


def install() -> None:
    """Wrap where a flow finds whom to ask, and where it makes an outcome of the answer."""
    if is_wrapped(Flow._finalize_human_feedback):
        return
    replace(Flow, "_resolve_feedback_provider", _resolve(Flow._resolve_feedback_provider))
    replace(Flow, "_run_human_feedback_step", _step(Flow._run_human_feedback_step))
    replace(Flow, "_finalize_human_feedback", _finalize(Flow._finalize_human_feedback))
    replace(runtime, "_resolve_llm_instance", _patient(getattr(runtime, "_resolve_llm_instance")))  # noqa: B009 - private


def _patient(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make the model that understands words only where there are words: a button needs none, and no key for one.

    crewai makes it before anybody is asked; where that fails, it is tried again when there is something to understand.
    """

    @wraps(original)
    def resolve_llm_instance(llm: Any) -> Any:
        try:
            return original(llm)
        except Exception:
            if RUN.get() is None:
                raise
            return llm

    return resolve_llm_instance


def _resolve(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def resolve_feedback_provider(self: Flow[Any], *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        return original(self, *args, **kwargs) if run is None else _Asker(run)

    return resolve_feedback_provider


def _step(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def run_human_feedback_step(self: Flow[Any], *args: Any, **kwargs: Any) -> Any:
        token = PRESSED.set([])
        try:
            return await original(self, *args, **kwargs)
        finally:
            PRESSED.reset(token)

    return run_human_feedback_step


def _finalize(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Let a pressed outcome pass as the default of an empty answer: that is the way which asks no model."""

    @wraps(original)
    async def finalize_human_feedback(self: Flow[Any], **settings: Any) -> Any:
        pressed = PRESSED.get([])
        if RUN.get() is None or not pressed:
            return await original(self, **settings)
        note = settings["raw_feedback"]
        result = await original(self, **{**settings, "raw_feedback": "", "default_outcome": pressed[0]})
        result.feedback = note or pressed[0]
        return result

    return finalize_human_feedback


class _Asker:
    """Asks on behalf of one execution. Implements crewai's `HumanFeedbackProvider`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def request_feedback(self, context: Any, flow: Any) -> Any:
        """Give a coroutine, which crewai awaits on the loop."""
        return self._ask(context)

    async def _ask(self, context: Any) -> str:
        answer = await self._run.ask(_question(context))
        return _feedback(answer)


def _question(context: Any) -> Question:
    mine, value = TASK.get(), structure(context.method_output)
    assert mine is not None, "feedback is asked for within a method"
    draft = Draft(text=text(context.method_output))
    if value is not None:
        draft = Draft(text=draft.text, content_type="application/json", json=value)
    return Question(
        step=mine.step("feedback"),
        version=1,
        name=str(context.method_name),
        kind="flow",
        title=title(str(context.method_name)),
        description=str(context.message or ""),
        draft=draft,
        actions=_actions(context.emit),
        task=mine.name,
        facts={str(name): value for name, value in (context.metadata or {}).items()},
    )


def _actions(outcomes: list[str] | None) -> tuple[Action, ...]:
    if not outcomes:
        return (APPROVE, RESPOND, STOP)
    return (*(Action(id=f"{OUTCOME}{name}", label=title(name)) for name in outcomes), RESPOND, STOP)


def _feedback(answer: Answer) -> str:
    if answer.action == "stop":
        mine = TASK.get()
        raise Stopped(answer.checkpoint, mine.name if mine else None)
    if answer.action.startswith(OUTCOME):
        PRESSED.get().append(answer.action.removeprefix(OUTCOME))
        return answer.feedback or ""
    if answer.action == "respond":
        return str(answer.response if answer.response is not None else answer.feedback or "")
    return answer.feedback or ""
