"""The few places where crewai itself is wrapped. Outside an execution of ours, every wrap only passes on."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial, wraps
from typing import Any

from crewai import Agent, Crew, Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.llms.base_llm import BaseLLM, call_stream_override
from crewai.tasks.conditional_task import ConditionalTask
from crewai.tasks.task_output import TaskOutput

from server.crews.run import RUN, TASK
from server.crews.work import skip_unmet, work_on

MARK = "_quarterdeck"
#: Models whose streaming drops what their plain calls give, read in crewai 1.15: LiteLLM returns the part of an answer
#: that came before an error as the answer, and Bedrock loses calls of tools.
NEVER_STREAMED = frozenset({"crewai.llm", "crewai.llms.providers.bedrock.completion"})


def install() -> None:
    """Wrap crewai, once; every later call does nothing."""
    if getattr(Task.aexecute_sync, MARK, False):
        return
    _replace(Task, "aexecute_sync", _task(Task.aexecute_sync))
    _replace(Agent, "aexecute_task", _turn(Agent.aexecute_task))
    _replace(ConditionalTask, "get_skipped_task_output", _unmet(ConditionalTask.get_skipped_task_output))
    _replace(Crew, "_handle_crew_planning", _planning(Crew._handle_crew_planning))
    for kind in _subclasses(BaseLLM):
        _stream(kind)
    later = BaseLLM._wrap_call_method.__func__  # type: ignore[attr-defined] # a classmethod's function

    def wrap_later(kind: type[BaseLLM], name: str) -> None:
        later(kind, name)
        _stream(kind)

    _replace(BaseLLM, "_wrap_call_method", classmethod(wrap_later))


def _replace(owner: type, name: str, wrapper: Any) -> None:
    setattr(owner, name, wrapper)


def _subclasses(kind: type) -> Iterator[type]:
    subclasses: list[type] = kind.__subclasses__()
    for subclass in subclasses:
        yield subclass
        yield from _subclasses(subclass)


def _task(original: Callable[..., Awaitable[TaskOutput]]) -> Callable[..., Awaitable[TaskOutput]]:
    @wraps(original)
    async def aexecute_sync(
        self: Task, agent: BaseAgent | None = None, context: str | None = None, tools: list[Any] | None = None
    ) -> TaskOutput:
        run = RUN.get()
        mine = run.find(self) if run else None
        if run is None or mine is None:
            return await original(self, agent, context, tools)
        return await work_on(run, mine, original, agent, context, tools)

    setattr(aexecute_sync, MARK, True)
    return aexecute_sync


def _turn(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def aexecute_task(self: Agent, *args: Any, **kwargs: Any) -> Any:
        mine = TASK.get()
        if RUN.get() is None or mine is None:
            return await original(self, *args, **kwargs)
        async with mine.team.turn(self):
            return await original(self, *args, **kwargs)

    return aexecute_task


def _unmet(original: Callable[[ConditionalTask], TaskOutput]) -> Callable[[ConditionalTask], TaskOutput]:
    @wraps(original)
    def get_skipped_task_output(self: ConditionalTask) -> TaskOutput:
        run, output = RUN.get(), original(self)
        mine = run.find(self) if run else None
        return output if run is None or mine is None else skip_unmet(run, mine, output)

    return get_skipped_task_output


def _planning(original: Callable[[Crew], None]) -> Callable[[Crew], None]:
    @wraps(original)
    def _handle_crew_planning(self: Crew) -> None:
        run = RUN.get()
        team = run.team_of(self) if run else None
        if team is None:
            return original(self)
        team.planner = partial(original, self)  # the first task lets it plan, where waiting is allowed
        return None

    return _handle_crew_planning


def _stream(kind: type) -> None:
    """Let a class of models stream its answers while an execution of ours is at work."""
    for name, wrapper in (("call", _call), ("acall", _acall)):
        method = kind.__dict__.get(name)
        if callable(method) and not getattr(method, MARK, False) and not getattr(method, "__isabstractmethod__", False):
            setattr(kind, name, wrapper(method))


def _call(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: BaseLLM, *args: Any, **kwargs: Any) -> Any:
        if not _streams(self, kwargs):
            return method(self, *args, **kwargs)
        with call_stream_override(self, True):
            return method(self, *args, **kwargs)

    setattr(call, MARK, True)
    return call


def _acall(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def acall(self: BaseLLM, *args: Any, **kwargs: Any) -> Any:
        if not _streams(self, kwargs):
            return await method(self, *args, **kwargs)
        with call_stream_override(self, True):
            return await method(self, *args, **kwargs)

    setattr(acall, MARK, True)
    return acall


def _streams(llm: BaseLLM, arguments: dict[str, Any]) -> bool:
    """Tell whether to stream this call: for people, and never where crewai's streaming gives less.

    Structured answers are parsed as a whole and hold nothing to read; a model made with `stream=False` is left so.
    """
    if RUN.get() is None or arguments.get("response_model") is not None:
        return False
    refused = "stream" in llm.model_fields_set and llm.stream is False
    return not refused and type(llm).__module__ not in NEVER_STREAMED
