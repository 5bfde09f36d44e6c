"""Calls to language models: made once, streamed while they are, and given again on a later attempt."""

import functools
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import msgspec
import structlog
from crewai.llms.base_llm import BaseLLM, call_stream_override

from protocol.events import JournalMissed, LlmCompleted, LlmStarted
from protocol.objects import Usage
from server import prices
from server.crews.calls import costs, fingerprint
from server.crews.calls.codec import Answered, Unwritable, decode, encode, read_answered, to_bytes
from server.crews.calls.ways import Direct, Way, at_once, way
from server.crews.calls.wrapping import is_wrapped, replace_own, with_subclasses
from server.crews.parts import Part
from server.crews.run import INSIDE_TOOL, RUN, TASK, Run

log = structlog.get_logger()

#: Models whose streaming drops what their plain calls give, read in crewai 1.15: LiteLLM returns the part of an answer
#: that came before an error as the answer, and Bedrock loses calls of tools.
NEVER_STREAMED = frozenset({"crewai.llm", "crewai.llms.providers.bedrock.completion"})
#: The models that the current work is inside a call of: what such a call calls of itself belongs to it.
NESTED: ContextVar[frozenset[int]] = ContextVar("quarterdeck_nested", default=frozenset())
#: The call that is under way in the current work.
CALL: ContextVar["ModelCall | None"] = ContextVar("quarterdeck_call", default=None)
#: The scope of a part within a step's name: of a crew's task, or of a flow's method.
PARTS = re.compile(r"/(t\d+|m:[^/]*)/")
#: Where a method's arguments stand.
POSITIONS = {"messages": 0, "tools": 1, "response_model": 6}


@dataclass(eq=False)
class ModelCall:
    """One call to a model, as it is recorded. `ended`: its ends, not told before the answer is kept.

    `within` names the calls of other models that it makes; one that makes no other is not counted beside them.
    `around`: what a client that crewai asks around this very model told of its use.

    `model` is a `BaseLLM`, or what crewai takes in its place to ask around it: anything with a `model`, or a name.
    """

    run: Run
    model: Any
    step: str
    response_model: Any
    began: float = field(default_factory=time.monotonic)
    ended: list[LlmCompleted] = field(default_factory=list)
    reported: list[dict[str, Any]] = field(default_factory=list)
    within: list[str] = field(default_factory=list)
    around: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, run: Run, model: BaseLLM, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "ModelCall":
        """Name the call after what it asks, and for the how many-th time."""

        def given(name: str) -> Any:
            return args[POSITIONS[name]] if len(args) > POSITIONS[name] else kwargs.get(name)

        return cls.about(run, model, given("messages"), given("tools"), given("response_model"))

    @classmethod
    def about(cls, run: Run, model: Any, messages: Any, tools: Any, response_model: Any) -> "ModelCall":
        """Name a call that asks this."""
        hashed = fingerprint.of_model_call(name_of(model), messages, tools, response_model)
        made = cls(run, model, run.step(f"llm.{hashed}"), response_model)
        if (outer := CALL.get()) is not None:
            outer.within.append(made.step)
        return made

    def recall(self) -> Any:
        """Give the answer of an earlier attempt, wrapped in a list; nothing when the call is to be made."""
        stored = self.run.journal.recall(self.step)
        if stored is None:
            self._tell_missed()
            return None
        self.run.take(self.step)
        kept = _taken(self.run, stored, TASK.get())
        for reported in kept.reported:
            self.model._track_token_usage_internal(reported)
        return [decode(kept.answer, self.response_model)]

    def _tell_missed(self) -> None:
        scope, _, _ = self.step.rpartition("/")
        if self.run.untaken(scope):
            reason = "It asks something that the earlier attempt did not; the model is asked anew."
            self.run.emit(JournalMissed(step=self.step, reason=reason), once=f"{self.step}/missed")

    async def keep(self, through: Way, answer: Any) -> None:
        """Record the answer, and tell the end of the call, in one step."""
        ended = self.ended or ([] if self.within else [self._untold()])
        for event in ended[:-1]:
            self.run.emit(event)
        last = ended[-1] if ended else None
        try:
            encoded = encode(answer)
        except Unwritable as error:
            log.warning("answer not kept", execution=self.run.journal.execution, step=self.step, reason=str(error))
            if last:
                self.run.emit(last)
            return
        usage = _sum([event.usage for event in self.ended if event.usage])
        kept = Answered(
            answer=encoded, call=last.call if last else "", model=last.model if last else "", usage=usage,
            reported=self.reported, seconds=(last and last.seconds) or 0.0, within=self.within,
        )  # fmt: skip
        await through.record(self.step, to_bytes(kept), event=last)

    def _untold(self) -> LlmCompleted:
        """Tell of a model that tells nothing itself."""
        self.tell_started()
        if mine := TASK.get():
            mine.spend(None)
        costs.unpriced(self.run, name_of(self.model), costs.provider_of(self.model))
        return self.end()

    def tell_started(self) -> None:
        """Tell the start, for a model that does not."""
        self.run.emit(LlmStarted(call=self.step, stream=self.step, model=name_of(self.model), task=_task()))

    def end(self, usage: Usage | None = None) -> LlmCompleted:
        """Make the end, for a model that does not tell it."""
        return LlmCompleted(
            call=self.step, stream=self.step, model=name_of(self.model), task=_task(), usage=usage,
            seconds=round(time.monotonic() - self.began, 3),
        )  # fmt: skip

    @contextmanager
    def under_way(self, kwargs: dict[str, Any]) -> Iterator[None]:
        """Be what surrounds the real call."""
        with ExitStack() as stack:
            stack.enter_context(self.run.calling(safe=not INSIDE_TOOL.get()))
            nested, call = NESTED.set(NESTED.get() | {id(self.model)}), CALL.set(self)
            stack.callback(NESTED.reset, nested)
            stack.callback(CALL.reset, call)
            if streams(self.model, kwargs):
                stack.enter_context(call_stream_override(self.model, True))
            yield


def _taken(run: Run, stored: bytes, mine: Part | None) -> Answered:
    """Read a call of an earlier attempt, tell that it was not made again, and count what it used for its part."""
    kept = read_answered(stored)
    if kept.call:
        if mine:
            mine.spend(kept.usage)
        told = LlmCompleted(call=kept.call, stream=kept.call, model=kept.model, task=_task(), replayed=True)
        run.emit(msgspec.structs.replace(told, usage=kept.usage, seconds=kept.seconds))
    _take(run, kept.within, mine)
    return kept


def take_within(run: Run, step: str) -> None:
    """Do the same for all calls within a unit, which as a whole is not made again.

    What parts within it have cost, these have told at their own ends.
    """
    for inner in run.answered_within(step):
        _take(run, [inner], None if PARTS.search(inner, len(step)) else TASK.get())


def _take(run: Run, steps: Iterable[str], mine: Part | None) -> None:
    for step in steps:
        if run.take(step) and (stored := run.journal.recall(step)) is not None:
            _taken(run, stored, mine)


def name_of(model: Any) -> str:
    """Name a model, which may be given by its name alone."""
    return str(getattr(model, "model", model))


def _task() -> str | None:
    mine = TASK.get()
    return mine.name if mine else None


def _sum(usages: list[Usage]) -> Usage | None:
    return functools.reduce(prices.add, usages) if usages else None


def install() -> None:
    """Wrap `call` and `acall` of every class of models, whenever it is made."""
    for kind in with_subclasses(BaseLLM):
        _wrap(kind)
    original = BaseLLM._wrap_call_method.__func__  # type: ignore[attr-defined] # a classmethod's function
    if is_wrapped(original):
        return

    def wrap_later(kind: type[BaseLLM], name: str) -> None:
        original(kind, name)
        _wrap(kind)

    wrap_later._quarterdeck = True  # type: ignore[attr-defined] # our mark
    BaseLLM._wrap_call_method = classmethod(wrap_later)  # type: ignore[method-assign,assignment]


def _wrap(kind: type) -> None:
    """Wrap by name: a decorated `acall` may be a plain function that returns a coroutine."""
    replace_own(kind, "call", _call)
    replace_own(kind, "acall", _acall)


def _call(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: BaseLLM, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or id(self) in NESTED.get():
            return method(self, *args, **kwargs)
        made = ModelCall.of(run, self, args, kwargs)
        if (recalled := made.recall()) is not None:
            return recalled[0]
        with made.under_way(kwargs):
            answer = method(self, *args, **kwargs)
        at_once(made.keep(Direct(run), answer))
        return answer

    return call


def _acall(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def acall(self: BaseLLM, *args: Any, **kwargs: Any) -> Any:
        run = RUN.get()
        if run is None or id(self) in NESTED.get():
            return await method(self, *args, **kwargs)
        made = ModelCall.of(run, self, args, kwargs)
        if (recalled := made.recall()) is not None:
            return recalled[0]
        with made.under_way(kwargs):
            answer = await method(self, *args, **kwargs)
        await made.keep(way(run), answer)
        return answer

    return acall


def streams(llm: BaseLLM, arguments: dict[str, Any]) -> bool:
    """Tell whether to stream a call: for people, and never where crewai's streaming gives less.

    Structured answers are parsed as a whole and hold nothing to read; a model made with `stream=False` is left so.
    """
    if arguments.get("response_model") is not None:
        return False
    refused = "stream" in llm.model_fields_set and llm.stream is False
    return not refused and type(llm).__module__ not in NEVER_STREAMED
