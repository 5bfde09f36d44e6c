"""`@human_feedback`: the method's output as a checkpoint, its outcomes as buttons that need no model.

crewai asks one provider for all flows, or one that the flow's author names; in an execution, people are asked here.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Any

from crewai.flow import runtime
from crewai.flow.human_feedback import HumanFeedbackResult
from crewai.flow.runtime import Flow
from crewai.hooks.dispatch import HookAborted

from protocol.objects import Action
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.faults import readable
from server.crews.flows.holding import ask
from server.crews.flows.kept import kept, kept_now
from server.crews.flows.methodrun import MethodRun
from server.crews.flows.results import draft, told
from server.crews.flows.values import from_bytes
from server.crews.names import title
from server.crews.questions import STOP
from server.crews.run import RUN, TASK, Run
from server.runnable import Question

OUTCOME = "outcome:"
APPROVE = Action(id="approve", label="Go on")
RESPOND = Action(id="respond", label="Answer in words")
EMPTY = "The answer was empty, which decides nothing."
UNCLEAR = "It is not clear which outcome was meant by “{words}”: {reason}\n\nPress one, or say it in other words."


class Asking:
    """The request for feedback that is being worked on. Implements crewai's `HumanFeedbackProvider`."""

    def __init__(self, run: Run, mine: MethodRun) -> None:
        self.run = run
        self._mine = mine
        self._context: Any = None
        self._version = 0
        #: The outcome that a person pressed.
        self.pressed: str | None = None

    def request_feedback(self, context: Any, flow: Any) -> Any:
        """Give a coroutine, which crewai awaits on the loop."""
        self._context = context
        return self.ask("")

    async def ask(self, complaint: str) -> str:
        """Ask, and give what was said in words. `complaint`: why what was said before does not do."""
        while True:
            self._version += 1
            answer = await ask(self.run, self._mine, self._question(complaint))
            if answer.action.startswith(OUTCOME):
                self.pressed = answer.action.removeprefix(OUTCOME)
            if answer.action != "respond":
                return answer.feedback or ""
            words = str(answer.response if answer.response is not None else answer.feedback or "")
            if words.strip():
                return words
            complaint = EMPTY

    async def again(self, words: str, reason: str) -> str:
        """Ask once more, because no outcome can be made of the words; a later attempt does not try to, either."""
        step = self._mine.step("unclear", self._version)
        return await self.ask(UNCLEAR.format(words=words, reason=await kept(self.run, step, reason)))

    def unclear(self) -> str | None:
        """Give why an earlier attempt could make nothing of the words, if it could not."""
        stored = self.run.journal.recall(self._mine.step("unclear", self._version))
        return None if stored is None else str(from_bytes(stored))

    def _question(self, complaint: str) -> Question:
        context = self._context
        return Question(
            step=self._mine.step("feedback"),
            version=self._version,
            name=self._mine.name,
            kind="flow",
            title=title(self._mine.method),
            description="\n\n".join(part for part in (complaint, str(context.message or "")) if part),
            draft=draft(context.method_output),
            actions=_actions(context.emit),
            task=self._mine.name,
            facts=told(context.metadata or {}),
        )


def _actions(outcomes: Sequence[str] | None) -> tuple[Action, ...]:
    if not outcomes:
        return (APPROVE, RESPOND, STOP)
    return (*(Action(id=f"{OUTCOME}{name}", label=title(name)) for name in outcomes), RESPOND, STOP)


ASKING: ContextVar[Asking | None] = ContextVar("quarterdeck_asking", default=None)


def install() -> None:
    """Wrap where a flow finds whom to ask, and where it makes an outcome of the answer."""
    if is_wrapped(Flow._finalize_human_feedback):
        return
    replace(Flow, "_resolve_feedback_provider", _resolve(Flow._resolve_feedback_provider))
    replace(Flow, "_run_human_feedback_step", _step(Flow._run_human_feedback_step))
    replace(Flow, "_finalize_human_feedback", _finalize(Flow._finalize_human_feedback))
    for name, wrap in (("_resolve_llm_instance", _patient), ("_pre_review_with_lessons", _reviewed)):
        replace(runtime, name, wrap(getattr(runtime, name)))


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


def _reviewed(original: Callable[..., Any]) -> Callable[..., Any]:
    """Keep what crewai makes of an output by the lessons it has learnt: they may be others on a later attempt."""

    @wraps(original)
    def pre_review_with_lessons(flow: Flow[Any], method_name: str, method_output: Any, **settings: Any) -> Any:
        asking, mine = ASKING.get(), TASK.get()
        if asking is None or mine is None:
            return original(flow, method_name, method_output, **settings)
        if asking.run.journal.recall(mine.step("reviewed")) is None:
            method_output = original(flow, method_name, method_output, **settings)
        return kept_now(asking.run, mine.step("reviewed"), method_output)

    return pre_review_with_lessons


def _resolve(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def resolve_feedback_provider(self: Flow[Any], *args: Any, **kwargs: Any) -> Any:
        return ASKING.get() or original(self, *args, **kwargs)

    return resolve_feedback_provider


def _step(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Ask once: a later attempt finds what was made of the answer, and learns nothing from it twice."""

    @wraps(original)
    async def run_human_feedback_step(self: Flow[Any], method_name: Any, definition: Any, method_output: Any) -> Any:
        run, mine = RUN.get(), TASK.get()
        if run is None or not isinstance(mine, MethodRun):
            return await original(self, method_name, definition, method_output)
        if mine.skipped:
            return None
        step = mine.step("judged")
        if (stored := run.journal.recall(step)) is not None:
            return _judged_before(self, method_name, from_bytes(stored), routes=bool(definition.emit))
        token = ASKING.set(Asking(run, mine))
        try:
            given = await original(self, method_name, definition, method_output)
        finally:
            ASKING.reset(token)
        await kept(run, step, self._human_feedback_method_outputs[method_name] if definition.emit else given)
        return given

    return run_human_feedback_step


def _judged_before(flow: Flow[Any], method_name: Any, result: HumanFeedbackResult, *, routes: bool) -> Any:
    """Leave the flow as crewai does after an answer (crewai/flow/runtime: `_finalize_human_feedback`)."""
    flow.human_feedback_history.append(result)
    flow.last_human_feedback = result
    if not routes:
        return result
    flow._human_feedback_method_outputs[method_name] = result
    return result.outcome


def _finalize(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Make an outcome of the answer, and ask once more where the model can make none of a person's words."""

    @wraps(original)
    async def finalize_human_feedback(self: Flow[Any], **settings: Any) -> Any:
        asking = ASKING.get()
        if asking is None:
            return await original(self, **settings)
        words: str = settings.pop("raw_feedback")
        while asking.pressed is None and settings["emit"]:
            try:
                if (reason := asking.unclear()) is None:
                    return await original(self, **settings, raw_feedback=words)
            except HookAborted:
                raise
            except Exception as error:
                reason = readable(error)
            words = await asking.again(words, reason)
        return await _pressed(original, self, settings, words, asking.pressed)

    return finalize_human_feedback


async def _pressed(
    original: Callable[..., Awaitable[Any]], flow: Flow[Any], settings: dict[str, Any], words: str, outcome: str | None
) -> Any:
    """Let a pressed outcome pass as the default of an empty answer: that is the way which asks no model."""
    if outcome is None:
        return await original(flow, **settings, raw_feedback=words)
    result = await original(flow, **{**settings, "default_outcome": outcome}, raw_feedback="")
    result.feedback = words or outcome
    return result
