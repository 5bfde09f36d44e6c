"""The accelerations: in force with this CrewAI, left out with another, and no different in what they do."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tests.support.crews import CREWAI_WARNINGS, LLM, Agent, Crew, Task

# isort: split

from crewai.agents.agent_executor import AgentExecutor
from crewai.events.event_bus import crewai_event_bus
from crewai.events.types.llm_events import LLMCallCompletedEvent
from crewai.flow.flow import Flow
from crewai.flow.types import FlowMethodName
from crewai.hooks.dispatch import InterceptionPoint, register_scoped, scoped_hooks
from crewai.llm import LLM as LiteLLM
from crewai.llms.base_llm import BaseLLM
from crewai.llms.providers.openai.completion import OpenAICompletion
from crewai.utilities import file_store

from server.crews import speed
from server.crews.registration import Registration
from server.crews.run import RUN, Run
from server.crews.speed import asking, contract, triggers
from tests.support.journal import FakeJournal

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]

KEY = "sk-test-0123456789"
CONDITIONS = {name: method.listen for name, method in AgentExecutor.flow_definition().methods.items()}
#: What may have happened last: a step has ended, or has said where to go.
TRIGGERS = sorted({*CONDITIONS, *(name for c in CONDITIONS.values() for name in triggers.alternatives(c) or ())})


@pytest.fixture(scope="module", autouse=True)
def installed() -> frozenset[str]:
    return speed.install()


def executor() -> AgentExecutor:
    writer = Agent(role="Writer", goal="Write", backstory="Writes.", llm=LLM(model="openai/gpt-4o-mini", api_key=KEY))
    writer.crew = Crew(agents=[writer], tasks=[Task(description="d", expected_output="e", agent=writer)])
    writer.create_agent_executor()
    assert isinstance(writer.agent_executor, AgentExecutor)
    return writer.agent_executor


def test_all_are_in_force_with_the_crewai_that_is_installed(installed: frozenset[str]) -> None:
    changed = {
        path: contract.digest(path)
        for cut in speed.CUTS.values()
        for path, known in cut.RELIES_ON.items()
        if contract.digest(path) != known
    }
    assert not changed, "read what CrewAI has changed there; when the cut still holds, note these digests"
    assert installed == set(speed.CUTS)


@pytest.mark.parametrize("path", ["json:dumps", "json:no.such", "no_such_module:f", "math:sqrt"])
def test_one_that_relies_on_something_else_is_left_out_and_logged(path: str) -> None:
    with structlog.testing.capture_logs() as logs:
        assert contract.broken("a_cut", {path: "0123456789abcdef"}) == [path]
    (line,) = logs
    assert (line["log_level"], line["cut"], line["changed"]) == ("warning", "a_cut", [path])


def test_wraps_of_others_do_not_count_as_a_change() -> None:
    path = "crewai:Task.aexecute_sync"
    before = contract.digest(path)
    assert before is not None
    assert contract.digest("crewai.task:Task.aexecute_sync") == before


@given(st.lists(st.tuples(st.sampled_from(TRIGGERS), st.booleans()), max_size=30))
def test_a_table_leads_to_the_same_steps_as_a_search(asked: list[tuple[str, bool]]) -> None:
    ours, theirs = EXECUTORS
    for one in EXECUTORS:
        one._fired_or_listeners.clear()
        one._pending_events.clear()
    for name, routers in asked:
        found = ours._find_triggered_methods(FlowMethodName(name), routers)
        assert found == Flow._find_triggered_methods(theirs, FlowMethodName(name), routers)
        assert ours._fired_or_listeners == theirs._fired_or_listeners
    assert ours._start_method_names() == Flow._start_method_names(theirs)


EXECUTORS = (executor(), executor())


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("a", ["a"]),
        ({"or": ["a", "b"]}, ["a", "b"]),
        ({"and": ["a", "b"]}, None),
        ({"or": ["a", {"and": ["b", "c"]}]}, None),
        ({"or": ["a", "a"]}, None),
    ],
)
def test_what_a_table_cannot_say_is_searched_for(condition: Any, names: list[str] | None) -> None:
    assert triggers.alternatives(condition) == names


def test_an_executor_is_made_without_a_class_of_its_own_and_with_crewais_methods() -> None:
    one, other = executor(), executor()
    assert type(one._create_initial_state()) is type(other._create_initial_state())
    assert set(one._methods) == set(Flow._class_bound_methods(one))
    for name, theirs in Flow._class_bound_methods(one).items():
        assert (type(one._methods[name]), vars(one._methods[name])) == (type(theirs), vars(theirs))


def test_an_executors_attributes_are_as_ever() -> None:
    one = executor()
    assert one._methods is one.__pydantic_private__["_methods"]  # type: ignore[index] # it has some
    with pytest.raises(AttributeError, match="no attribute '_none_such'"):
        _ = one._none_such  # type: ignore[attr-defined] # that is the point
    with pytest.raises(AttributeError):
        _ = AgentExecutor.__new__(AgentExecutor)._methods


def context_of(model: Any) -> Any:
    return model._get_sync_client()._client._transport._pool._ssl_context


def test_clients_share_a_tls_context_unless_they_bring_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (LLM(model="openai/gpt-4o-mini", api_key=KEY) for _ in range(2))
    assert context_of(one) is context_of(other)
    import certifi
    import httpx

    assert httpx.HTTPTransport(verify=False)._pool._ssl_context is not context_of(one)
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert context_of(LLM(model="openai/gpt-4o-mini", api_key=KEY)) is not context_of(one)


async def test_no_file_store_is_asked_without_a_thread_and_one_that_is_there_in_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    someone, threads = uuid4(), list[int]()

    class Store:
        async def get(self, key: str) -> None:
            threads.append(threading.get_ident())
            await asyncio.sleep(0)

    monkeypatch.setattr(file_store, "_file_store", None)
    assert file_store.get_files(someone) is None
    monkeypatch.setattr(file_store, "_file_store", Store())
    assert not file_store.get_files(someone)
    assert threads
    assert threading.get_ident() not in threads


@pytest.fixture
async def run() -> Run:
    return Run(FakeJournal(), Registration())


async def test_an_agent_at_work_for_us_does_not_listen_to_all_models(run: Run) -> None:
    def listeners() -> int:
        return len(crewai_event_bus._sync_handlers.get(LLMCallCompletedEvent, ()))

    one, before = executor(), listeners()
    one.crew, crew = None, one.crew
    one._attach_usage_aggregation_listener()
    assert listeners() == before + 1
    one._detach_usage_aggregation_listener()
    token = RUN.set(run)
    one.crew = crew
    one._attach_usage_aggregation_listener()
    RUN.reset(token)
    assert listeners() == before


class Own(BaseLLM):
    """A user's model, which says that it can be awaited."""

    def call(self, *args: Any, **kwargs: Any) -> str:
        return ""

    async def acall(self, *args: Any, **kwargs: Any) -> str:
        return ""


class Logging(OpenAICompletion):
    """A user's change to a provider: of `call` alone."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return super().call(*args, **kwargs)


class Named(OpenAICompletion):
    """A user's change that leaves the calls alone."""


NATIVE = LLM(model="openai/gpt-4o-mini", api_key=KEY)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"llm": Named(model="gpt-4o-mini", api_key=KEY)}, True),
        ({"llm": LLM(model="openrouter/x/y", api_key=KEY)}, True),
        ({"llm": Own(model="own")}, False),
        ({"llm": Logging(model="gpt-4o-mini", api_key=KEY)}, False),
        ({"llm": LLM(model="openai/gpt-4o-mini", api_key=KEY, client_params={"timeout": 1})}, False),
        ({"llm": object.__new__(LiteLLM)}, False),
        ({"step_callback": print}, False),
        ({"request_within_rpm_limit": bool}, False),
        ({"before_llm_call_hooks": [print]}, False),
        ({"after_llm_call_hooks": [print]}, False),
    ],
)
async def test_a_model_is_asked_on_the_loop_only_where_its_own_client_is_and_nothing_of_the_users(
    run: Run, change: dict[str, Any], expected: bool
) -> None:
    plain = {"llm": NATIVE, "step_callback": None, "request_within_rpm_limit": None}
    at_work: Any = SimpleNamespace(**{**plain, "before_llm_call_hooks": [], "after_llm_call_hooks": [], **change})
    assert asking.possible(at_work, run) is expected
    assert asyncio.run is not None
    assert await asyncio.to_thread(lambda: asyncio.run(elsewhere(at_work, run))) is False


async def elsewhere(at_work: Any, run: Run) -> bool:
    return asking.possible(at_work, run)


async def test_a_hook_of_one_execution_is_a_hook(run: Run) -> None:
    plain = {"llm": NATIVE, "step_callback": None, "request_within_rpm_limit": None}
    at_work: Any = SimpleNamespace(**plain, before_llm_call_hooks=[], after_llm_call_hooks=[])
    with scoped_hooks():
        register_scoped(InterceptionPoint.POST_MODEL_CALL, lambda _: None)
        assert not asking.possible(at_work, run)
    assert asking.possible(at_work, run)
