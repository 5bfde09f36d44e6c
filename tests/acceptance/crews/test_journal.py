"""Every call to a model or a tool is made once: a second attempt gets all of them from the journal.

The model never answers the same text twice, so that whatever is asked once more shows in what comes out of it.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from protocol.events import JournalMissed, LlmCompleted, TaskCompleted
from protocol.objects import Usage
from server.runnable import Runnable
from tests.support.crews import BaseAgent, Crew, Process, adapted, agent, model, task, tool
from tests.support.flows import Flow, adapted_flow, start
from tests.support.journal import Execution, FakeJournal
from tests.support.marked_model import MarkedModel

from crewai.tools import BaseTool  # isort: skip  # crewai is imported above, without its warnings

RAN: list[str] = []
Make = Callable[[MarkedModel], Runnable]
CASES: dict[str, Make] = {}


@pytest.fixture
def server() -> Iterator[MarkedModel]:
    RAN.clear()
    with MarkedModel() as running:
        yield running


class Send(BaseTool):
    name: str = "send"
    description: str = "Send a mail."

    def _run(self, to: str) -> str:
        RAN.append(f"send {to}")
        return f"sent to {to}"


class Look(BaseTool):
    name: str = "look"
    description: str = "Look something up."

    async def _run(self, at: str) -> str:
        await asyncio.sleep(0)
        RAN.append(f"look {at}")
        return f"looked at {at}"


class Boom(BaseTool):
    name: str = "boom"
    description: str = "Fail."

    def _run(self, why: str) -> str:
        RAN.append(f"boom {why}")
        raise ValueError(f"boom, for {why}")


@tool("count")
def count(words: str) -> str:
    """Count words."""
    RAN.append(f"count {words}")
    return "7"


class Title(BaseModel):
    title: str
    pages: int


def in_text(server: MarkedModel) -> Any:
    """Make a model that is not offered tools: it is asked in text (ReAct)."""

    class InText(type(model(server))):  # type: ignore[misc] # a class that is made late, as those of users are
        def supports_function_calling(self) -> bool:
            return False

    return InText(model="gpt-4o-mini", base_url=server.url, api_key="sk-test-0123456789")


def one(server: MarkedModel, **settings: Any) -> BaseAgent:
    return agent(server, tools=[Send(), Look(), Boom(), count], **settings)


def case(name: str) -> Callable[[Callable[[MarkedModel], Crew]], Callable[[MarkedModel], Crew]]:
    """Register a crew to be tried."""

    def register(build: Callable[[MarkedModel], Crew]) -> Callable[[MarkedModel], Crew]:
        CASES[name] = lambda server: adapted(lambda: build(server))
        return build

    return register


ALL = "[[send to=Rara]] [[send to=Dimas]] [[look at=tea]] [[count words=all]] [[boom why=fun]]"


@case("native")
def native(server: MarkedModel) -> Crew:
    writer = one(server)
    tasks = [task("one", writer, description=f"do one {ALL}"), task("two", writer)]
    return Crew(agents=[writer], tasks=[*tasks, task("three", writer, description="do three [[send to=Rara]]")])


@case("in text")
def react(server: MarkedModel) -> Crew:
    writer = one(server, llm=in_text(server))
    return Crew(agents=[writer], tasks=[task("one", writer, description=f"do one {ALL}"), task("two", writer)])


DELEGATIONS = (
    "[[delegate_work_to_coworker task=sub ((send to=Rara));context=none;coworker=Sender]]"
    " [[ask_question_to_coworker question=sub ((look at=tea));context=none;coworker=Looker]]"
)


@case("managed")
def managed(server: MarkedModel) -> Crew:
    team = [agent(server, "Sender", tools=[Send()]), agent(server, "Looker", tools=[Look()], llm=in_text(server))]
    tasks = [task("one", None, description=f"do one {DELEGATIONS}"), task("two", None)]
    return Crew(agents=team, tasks=tasks, process=Process.hierarchical, manager_llm=model(server))


@case("managed in text")
def managed_in_text(server: MarkedModel) -> Crew:
    team = [agent(server, "Sender", tools=[Send()], llm=in_text(server)), agent(server, "Looker", tools=[Look()])]
    tasks = [task("one", None, description=f"do one {DELEGATIONS}")]
    return Crew(agents=team, tasks=tasks, process=Process.hierarchical, manager_llm=in_text(server))


@case("side by side")
def side_by_side(server: MarkedModel) -> Crew:
    team = [agent(server, name, tools=[Send(), count]) for name in ("Left", "Right")]
    pair = [
        task(name, who, description="do [[send to=Rara]] [[count words=all]]", async_execution=True)
        for name, who in zip(("one", "two"), team, strict=True)
    ]
    return Crew(agents=team, tasks=[*pair, task("three", team[0], context=list(pair))])


@case("converted")
def converted(server: MarkedModel) -> Crew:
    writer, other = one(server), agent(server, "Other")
    tasks = [
        task("one", writer, output_pydantic=Title),
        task("two", writer, output_json=Title),
        task("three", other, output_json=Title),
        task("four", other, output_pydantic=Title),
    ]
    return Crew(agents=[writer, other], tasks=tasks)


@case("guarded")
def guarded(server: MarkedModel) -> Crew:
    writer = one(server)
    tasks = [task("one", writer, guardrail="It is polite."), task("two", writer, guardrail=_refuses_once())]
    return Crew(agents=[writer], tasks=tasks)


def _refuses_once() -> Callable[[Any], tuple[bool, Any]]:
    seen: list[str] = []

    def guardrail(output: Any) -> tuple[bool, Any]:
        seen.append(output.raw)
        return (True, output.raw) if len(seen) > 1 else (False, "It is too short.")

    return guardrail


@case("reasoning")
def reasoning(server: MarkedModel) -> Crew:
    writer = one(server, planning=True)
    return Crew(agents=[writer], tasks=[task("one", writer, description="do one [[send to=Rara]]")])


@case("planned")
def planned(server: MarkedModel) -> Crew:
    writer = one(server)
    tasks = [task("one", writer, description="do one [[send to=Rara]]"), task("two", writer)]
    return Crew(agents=[writer], tasks=tasks, planning=True, planning_llm=model(server))


class Consult(BaseTool):
    name: str = "consult"
    description: str = "Ask another model."
    llm: Any

    def _run(self, about: str) -> str:
        RAN.append(f"consult {about}")
        return str(self.llm.call(f"do say something about {about}"))


@case("a model within a tool")
def consulting(server: MarkedModel) -> Crew:
    writer = agent(server, tools=[Consult(llm=model(server))])
    return Crew(agents=[writer], tasks=[task("one", writer, description="do one [[consult about=tea]]")])


class Alone(Flow[Any]):
    """An agent without a crew, and models without an agent."""

    server: MarkedModel

    @start()
    async def work(self) -> str:
        writer: Any = one(self.server)
        said = [(await writer.kickoff_async("do it [[send to=Rara]] [[look at=tea]]")).raw]
        said.append((await asyncio.to_thread(writer.kickoff, "do it [[count words=all]]")).raw)
        llm = model(self.server)
        said.append(await llm.acall([{"role": "user", "content": "do it"}]))
        said.append(await asyncio.to_thread(llm.call, "do that"))
        said.append(llm.call("do that"))
        return " ".join(said)


CASES["alone"] = lambda server: adapted_flow(lambda: type("Flow", (Alone,), {"server": server})())


def forget_outputs(execution: Execution) -> None:
    """Leave of an execution its calls alone, so that each of them has to be asked for again."""
    for step in list(execution.recorded):
        if step.endswith(("/output", "/plan", "/body", "/done")) or step == "plan" or "/draft/" in step:
            del execution.recorded[step]


def calls(execution: Execution) -> list[str]:
    return [step for step in execution.recorded if "llm." in step.rpartition("/")[2]]


def tools_run(execution: Execution) -> list[str]:
    return [step for step in execution.recorded if "tool." in step.rpartition("/")[2]]


def used(journal: FakeJournal) -> Usage:
    usages = [event.usage for event in journal.events(TaskCompleted)]
    return Usage(
        total_tokens=sum(usage.total_tokens for usage in usages), calls=sum(usage.calls for usage in usages)
    )  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_a_second_attempt_asks_no_model_and_runs_no_tool(server: MarkedModel, name: str) -> None:
    execution, runnable = Execution(), CASES[name](server)
    first = FakeJournal(of=execution)
    outcome = await runnable.run(first)
    asked, ran = len(server.requests), list(RAN)
    assert len(calls(execution)) == asked
    assert len(tools_run(execution)) == len(ran)
    assert used(first) == Usage(total_tokens=18 * asked, calls=asked)
    forget_outputs(execution)
    second = FakeJournal(of=execution)
    assert await runnable.run(second) == outcome
    assert (len(server.requests), RAN) == (asked, ran)
    assert used(second) == used(first)
    assert second.events(JournalMissed) == []
    assert [event.replayed for event in second.events(LlmCompleted)] == [True] * asked
    assert not {"llm.started", "tool.started", "tool.completed", "tool.failed", "agent.started"} & set(second.types())
