"""What differs between two attempts, and what must not: changed prompts, days that passed, errors and failures."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from protocol.events import JournalMissed, LlmCompleted, TaskCompleted, ToolCompleted, ToolFailed, ToolStarted
from protocol.objects import Action, Draft
from server.runnable import CrewFailed, Question, Suspended
from tests.support.crews import Crew, adapted, agent, model, task, tool
from tests.support.journal import Execution, FakeJournal
from tests.support.openai_server import Call, OpenAIServer, Reply

from crewai.tools.tool_failure import ToolFailure  # isort: skip
from server.crews.run import RUN  # isort: skip

RAN: list[str] = []


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    RAN.clear()
    with OpenAIServer() as running:
        yield running


@tool("refuse")
def refuse(what: str) -> Any:
    """Say that it cannot be done."""
    RAN.append(what)
    return ToolFailure(message=f"{what} cannot be done")


@tool("consult")
def consult(about: str) -> str:
    """Ask a person in the middle of the work."""
    run = RUN.get()
    assert run is not None
    approve = Action(id="approve", label="Yes")
    answer = run.ask_now(
        Question(
            step="consult", version=1, name="consult", kind="ask", title="Well?", description="", draft=Draft(text=""),
            actions=(approve,),
        )
    )  # fmt: skip
    RAN.append(about)
    return f"{answer.action} {about}"


def build(server: OpenAIServer, description: str = "do it", **settings: Any) -> Callable[[], Crew]:
    def made() -> Crew:
        writer = agent(server, tools=[refuse, consult], **settings)
        return Crew(agents=[writer], tasks=[task("one", writer, description=description)])

    return made


def forget_outputs(execution: Execution) -> None:
    for step in list(execution.recorded):
        if step.endswith(("/output", "/draft/1")):
            del execution.recorded[step]


async def test_a_prompt_that_changed_is_asked_anew_and_told(server: OpenAIServer) -> None:
    execution = Execution()
    await adapted(build(server)).run(FakeJournal(of=execution))
    forget_outputs(execution)
    server.reply("on Tuesday", "Another answer.")
    changed = adapted(build(server, "do it on Tuesday"))
    journal = FakeJournal(of=execution)
    assert (await changed.run(journal)).output == "Another answer."
    (missed,) = journal.events(JournalMissed)
    assert missed.step in execution.recorded
    assert [event.replayed for event in journal.events(LlmCompleted)] != [True]
    forget_outputs(execution)
    again = FakeJournal(of=execution)
    assert (await changed.run(again)).output == "Another answer."
    assert again.events(JournalMissed) == []
    assert len(server.requests) == 2


@pytest.mark.parametrize("frozen", [True, False])
async def test_agents_that_are_told_the_date_are_told_the_first_days(server: OpenAIServer, frozen: bool) -> None:
    execution = Execution(recorded={"began": b'{"at":"2020-02-20T12:00:00Z","manifest":{}}'})
    runnable = adapted(build(server, inject_date=True), freeze_clock=frozen)
    await runnable.run(FakeJournal(of=execution))
    (prompt,) = server.prompts()
    assert ("2020-02-20" in prompt) is frozen
    assert (datetime.now(UTC).strftime("%Y-%m") in prompt) is not frozen


async def test_an_error_of_a_model_is_not_kept(server: OpenAIServer) -> None:
    server.reply("do it", Reply("no such key", status=401), "An answer, after all.")
    execution, runnable = Execution(), adapted(build(server))
    with pytest.raises(CrewFailed, match="no such key"):
        await runnable.run(FakeJournal(of=execution))
    assert not [step for step in execution.recorded if "/llm." in step]
    assert (await runnable.run(FakeJournal(of=execution))).output == "An answer, after all."


@pytest.mark.parametrize("native", [True, False])
async def test_a_tools_limit_counts_what_an_earlier_attempt_ran(
    server: OpenAIServer, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the first attempt the second call is refused by crewai; it must be on the second, too."""
    monkeypatch.setattr(type(model(server)), "supports_function_calling", lambda self: native)
    calls = [_calling(native, what) for what in ("this", "that")]
    server.reply("do it", *calls, "Thought: done\nFinal Answer: Done.")

    def made() -> Crew:
        writer = agent(server, tools=[_limited()])
        return Crew(agents=[writer], tasks=[task("one", writer, description="do it")])

    execution, runnable = Execution(), adapted(made)
    await runnable.run(FakeJournal(of=execution))
    asked = len(server.requests)
    forget_outputs(execution)
    await runnable.run(FakeJournal(of=execution))
    assert (len(server.requests), RAN) == (asked, ["this"])


def _calling(native: bool, what: str) -> Reply:
    if native:
        return Reply(calls=[Call("once", {"what": what})])
    return Reply(f'Thought: so\nAction: once\nAction Input: {{"what": "{what}"}}\n')


def _limited() -> Any:
    @tool("once", max_usage_count=1)
    def once(what: str) -> str:
        """Do something that may be done once."""
        RAN.append(what)
        return f"{what} is done"

    return once


async def test_a_failure_that_a_tool_reports_is_one_again(server: OpenAIServer) -> None:
    server.reply("do it", Reply(calls=[Call("refuse", {"what": "it"})]), "Done.")
    execution, runnable = Execution(), adapted(build(server))
    first = FakeJournal(of=execution)
    await runnable.run(first)
    (failed,) = first.events(ToolFailed)
    assert "it cannot be done" in failed.result
    asked = len(server.requests)
    forget_outputs(execution)
    again = FakeJournal(of=execution)
    await runnable.run(again)
    assert (len(server.requests), RAN) == (asked, ["it"])
    assert again.events(TaskCompleted)[0].output == first.events(TaskCompleted)[0].output


async def test_a_tool_that_asks_is_unwound_within_and_that_is_no_crash(server: OpenAIServer) -> None:
    server.reply("do it", Reply(calls=[Call("consult", {"about": "tea"})]), "Done.")
    execution, runnable = Execution(), adapted(build(server))
    journals = [FakeJournal(of=execution, parked=True)]
    for _ in range(2):
        with pytest.raises(Suspended):
            await runnable.run(journals[-1])
        journals.append(FakeJournal(of=execution, parked=True))
    assert [question.name for question in execution.open] == ["consult"]
    execution.decide("consult", "approve")
    assert (await runnable.run(journals[-1])).output == "Done."
    assert RAN == ["tea"]
    assert sum(len(journal.events(ToolStarted)) for journal in journals) == 1
    assert [event.result for event in journals[-1].events(ToolCompleted)] == ["approve tea"]
