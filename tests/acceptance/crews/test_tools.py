"""Tools: approved by a person where that is asked for, run once, and asked about where nobody knows."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from protocol.events import LlmCompleted, TaskCompleted, ToolCompleted, ToolFailed, ToolStarted
from server.runnable import Stopped, Suspended
from tests.support.crews import Crew, adapted, agent, model, task, tool
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import Call, OpenAIServer, Reply

SENT: list[str] = []
TROUBLE: list[BaseException] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SENT.clear()
    TROUBLE.clear()


@tool("send_mail")
def send_mail(to: str, times: int = 1) -> str:
    """Send a mail."""
    SENT.append(to)
    if TROUBLE:
        raise TROUBLE.pop()
    return f"sent to {to} {times} times"


def build(server: OpenAIServer, react: bool = False) -> Callable[[], Crew]:
    def made() -> Crew:
        llm = model(server)
        writer = agent(server, tools=[send_mail], llm=llm)
        return Crew(agents=[writer], tasks=[task("it", writer)])

    return made


def asks(server: OpenAIServer, *to: str) -> None:
    server.reply("do it", Reply(calls=[Call("send_mail", {"to": name}) for name in to]), "Done.")


@pytest.fixture(params=["native", "react"])
def path(request: pytest.FixtureRequest, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two paths by which crewai runs a tool."""
    if request.param == "native":
        asks(server, "Rara")
    else:
        monkeypatch.setattr(type(model(server)), "supports_function_calling", lambda self: False)
        action = 'Thought: mail\nAction: send_mail\nAction Input: {"to": "Rara"}\n'
        server.reply("do it", action, "Thought: done\nFinal Answer: Done.")
    return str(request.param)


async def run(server: OpenAIServer, *said: Say, of: Execution | None = None, **more: Any) -> FakeJournal:
    answers = {"tool:send_mail": list(said), "recovery:send_mail": list(said)}
    journal = FakeJournal(answers=answers, of=of)
    await adapted(build(server), **{"approve": ("send_*",), **more}).run(journal)
    return journal


async def test_an_approved_call_is_made_as_it_was_shown(server: OpenAIServer, path: str) -> None:
    journal = await run(server, "approve")
    (question,) = journal.asked
    assert (question.kind, question.task, [action.id for action in question.actions]) == (
        "tool", "it", ["approve", "edit", "reject", "stop"],
    )  # fmt: skip
    assert question.tool is not None
    assert (question.tool.name, question.tool.arguments["to"]) == ("send_mail", "Rara")
    assert question.tool.schema is not None
    assert question.tool.schema["required"] == ["to"]
    assert json.loads(question.draft.text)["to"] == "Rara"
    assert SENT == ["Rara"]
    assert [event.result for event in journal.events(ToolCompleted)] == ["sent to Rara 1 times"]


async def test_a_call_is_made_with_the_arguments_that_a_person_gives(server: OpenAIServer, path: str) -> None:
    journal = await run(server, ("edit", '{"to": "Dimas", "times": 2}'))
    assert SENT == ["Dimas"]
    assert journal.events(ToolStarted)[0].arguments == {"to": "Dimas", "times": 2}
    assert "sent to Dimas 2 times" in server.prompts()[1]


async def test_arguments_that_do_not_fit_are_asked_about_again(server: OpenAIServer, path: str) -> None:
    journal = await run(server, ("edit", '{"times": "often"}'), ("edit", '{"to": "Dimas"}'))
    assert [question.version for question in journal.asked] == [1, 2]
    assert "to: Field required" in journal.asked[1].description
    assert SENT == ["Dimas"]


async def test_the_agent_is_told_why_a_call_was_refused(server: OpenAIServer, path: str) -> None:
    journal = await run(server, ("reject", "Nobody is to be written to on Sundays."))
    assert SENT == []
    assert "Nobody is to be written to on Sundays." in server.prompts()[1]
    assert journal.events(TaskCompleted)[0].output == "Done."


async def test_stop_ends_the_execution_before_the_call(server: OpenAIServer, path: str) -> None:
    with pytest.raises(Stopped):
        await run(server, "stop")
    assert SENT == []


async def test_calls_side_by_side_are_asked_about_side_by_side(server: OpenAIServer) -> None:
    asks(server, "Rara", "Dimas", "Sinta")
    execution = Execution()
    with pytest.raises(Suspended):
        await adapted(build(server), approve=("send_mail",)).run(FakeJournal(of=execution, parked=True))
    assert len(execution.open) == 3
    for question in list(execution.open):
        assert question.tool is not None
        execution.answers[question.step, 1] = _answer(question, question.tool.arguments["to"] != "Dimas")
    journal = await run(server, of=execution)
    assert sorted(SENT) == ["Rara", "Sinta"]
    assert journal.asked == []
    assert len(server.requests) == 2


def _answer(question: Any, yes: bool) -> Any:
    from tests.support.journal import made

    return made(question, "approve" if yes else ("reject", "no"))


async def test_what_cannot_be_asked_about_is_not_run(server: OpenAIServer, path: str) -> None:
    class Broken(FakeJournal):
        def ask_now(self, question: Any) -> Any:
            raise RuntimeError("no line")

        async def ask(self, question: Any) -> Any:
            raise RuntimeError("no line")

    await adapted(build(server), approve=("*",)).run(Broken())
    assert SENT == []
    assert "could not be asked for" in server.prompts()[1]


async def test_an_approval_is_for_one_run(server: OpenAIServer, path: str) -> None:
    TROUBLE[:] = [RuntimeError("the line is dead")]
    journal = await run(server, "approve", *["approve"] * 6)
    assert len(journal.asked) == len(SENT) == len(journal.events(ToolStarted))
    assert len(journal.events(ToolFailed)) == 1
    if path == "react":
        assert len(SENT) == 2  # crewai tried again by itself, and that was asked about, too


async def test_a_finished_call_is_not_made_again(server: OpenAIServer, path: str) -> None:
    execution = Execution()
    first = await run(server, "approve", of=execution)
    asked = len(server.requests)
    for step in [step for step in execution.recorded if step.endswith(("/output", "/draft/1"))]:
        del execution.recorded[step]
    again = await run(server, of=execution)
    assert (len(server.requests), SENT, again.asked) == (asked, ["Rara"], [])
    assert not {"tool.started", "tool.completed", "agent.started"} & set(again.types())
    assert [event.replayed for event in again.events(LlmCompleted)] == [True, True]
    assert again.events(TaskCompleted)[0].usage == first.events(TaskCompleted)[0].usage
    assert again.events(TaskCompleted)[0].output == first.events(TaskCompleted)[0].output


class Died(BaseException):
    """The worker dies in the middle of a tool."""


async def half_sent(server: OpenAIServer, **more: Any) -> Execution:
    """Give an execution whose worker died after the mail was sent, and before that was recorded."""
    execution = Execution()
    TROUBLE[:] = [Died()]
    with pytest.raises(Died):
        await run(server, of=execution, **{"approve": (), **more})
    assert SENT == ["Rara"]
    return execution


@pytest.mark.parametrize(
    ("said", "sent", "told"),
    [
        ("retry", ["Rara", "Rara"], "sent to Rara 1 times"),
        (("edit", "It was sent at noon."), ["Rara"], "It was sent at noon."),
    ],
)
async def test_a_call_of_which_nobody_knows_is_asked_about(
    server: OpenAIServer, path: str, said: Say, sent: list[str], told: str
) -> None:
    execution = await half_sent(server)
    journal = await run(server, said, of=execution, approve=())
    (question,) = journal.asked
    assert (question.kind, [action.id for action in question.actions]) == ("recovery", ["retry", "edit", "stop"])
    assert sent == SENT
    assert told in server.prompts()[-1]
    assert journal.events(ToolStarted) == []  # the first attempt has told it


async def test_an_unknown_end_may_stop_the_execution(server: OpenAIServer, path: str) -> None:
    execution = await half_sent(server)
    with pytest.raises(Stopped):
        await run(server, "stop", of=execution, approve=())


async def test_an_idempotent_tool_is_simply_run_again(server: OpenAIServer, path: str) -> None:
    execution = await half_sent(server, idempotent=("send_mail",))
    journal = await run(server, of=execution, approve=(), idempotent=("send_mail",))
    assert (journal.asked, SENT) == ([], ["Rara", "Rara"])


async def test_it_is_asked_again_when_the_second_run_ends_in_the_dark_too(server: OpenAIServer) -> None:
    asks(server, "Rara")
    execution = await half_sent(server)
    TROUBLE[:] = [Died()]
    with pytest.raises(Died):
        await run(server, "retry", of=execution, approve=())
    journal = await run(server, ("edit", "twice, it seems"), of=execution, approve=())
    assert len(journal.asked) == 1
    assert SENT == ["Rara", "Rara"]
