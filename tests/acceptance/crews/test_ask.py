"""Agents that ask people: free and typed answers, on every path by which crewai runs a tool."""

import builtins
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from protocol.events import TaskCompleted, ToolCompleted
from server.runnable import Stopped, Suspended
from tests.support.crews import BaseTool, Crew, Process, adapted, agent, ask_human, model, task
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import Call, OpenAIServer, Reply

QUESTION = "Which colour?"
FINAL = "Thought: done\nFinal Answer: Done."


class Budget(BaseModel):
    rupiah: int
    reason: str = ""

    @field_validator("rupiah")
    @classmethod
    def _whole(cls, value: int) -> int:
        if value % 1000:
            raise ValueError("whole thousands only")
        return value


class AskAround(BaseTool):
    """A tool of a crew's author, in which a person is asked."""

    name: str = "ask_human"
    description: str = "Ask around."

    async def _run(self, question: str) -> str:
        return f"{await ask_human.arun(question=question)}, it is said"


@pytest.fixture(params=["native", "react"])
def path(request: pytest.FixtureRequest, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two paths by which crewai runs a tool."""
    if request.param == "native":
        asks(server, QUESTION)
    else:
        monkeypatch.setattr(type(model(server)), "supports_function_calling", lambda self: False)
        action = f'Thought: ask\nAction: ask_human\nAction Input: {{"question": "{QUESTION}"}}\n'
        server.reply("do it", action, FINAL)
    return str(request.param)


def asks(server: OpenAIServer, *questions: str) -> None:
    server.reply("do it", Reply(calls=[Call("ask_human", {"question": text}) for text in questions]), "Done.")


def build(server: OpenAIServer, tools: Sequence[Any]) -> Callable[[], Crew]:
    def made() -> Crew:
        writer = agent(server, tools=list(tools))
        return Crew(agents=[writer], tasks=[task("it", writer)])

    return made


async def run(
    server: OpenAIServer, *said: Say, tools: Sequence[Any] = (ask_human,), of: Execution | None = None
) -> FakeJournal:
    journal = FakeJournal(answers={"ask_human": list(said)}, of=of)
    await adapted(build(server, tools)).run(journal)
    return journal


async def test_an_answer_is_what_the_agent_reads(server: OpenAIServer, path: str) -> None:
    journal = await run(server, ("respond", "A warm green."))
    (question,) = journal.asked
    assert (question.kind, question.title, question.description, question.task, question.agent) == (
        "ask", QUESTION, "", "it", "Writer",
    )  # fmt: skip
    assert [action.id for action in question.actions] == ["respond", "skip", "stop"]
    assert question.step.startswith("t0/1/ask.")
    assert "A warm green." in server.prompts()[1]
    assert journal.events(TaskCompleted)[0].output == "Done."
    assert journal.events(ToolCompleted) == []  # the answer is the checkpoint's, and told by that


async def test_an_agent_hears_that_nobody_can_say(server: OpenAIServer, path: str) -> None:
    await run(server, ("skip", "The client is away."))
    assert "Nobody can say." in server.prompts()[1]
    assert "The person says: The client is away." in server.prompts()[1]


async def test_a_question_may_end_the_execution(server: OpenAIServer, path: str) -> None:
    with pytest.raises(Stopped) as stopped:
        await run(server, "stop")
    assert stopped.value.task == "it"


async def test_a_question_waits_without_its_crew(server: OpenAIServer, path: str) -> None:
    execution = Execution()
    with pytest.raises(Suspended):
        await adapted(build(server, [ask_human])).run(FakeJournal(of=execution, parked=True))
    execution.decide("ask_human", ("respond", "Green."))
    journal = await run(server, of=execution)
    assert journal.asked == []
    assert len(server.requests) == 2
    assert "Green." in server.prompts()[1]


async def test_a_tool_may_ask_in_its_middle(server: OpenAIServer, path: str) -> None:
    execution = Execution()
    with pytest.raises(Suspended):
        await adapted(build(server, [AskAround()])).run(FakeJournal(of=execution, parked=True))
    execution.decide("ask_human", ("respond", "Green"))
    await run(server, tools=[AskAround()], of=execution)
    assert "Green, it is said" in server.prompts()[1]
    assert len(server.requests) == 2


async def test_questions_side_by_side_are_open_side_by_side(server: OpenAIServer) -> None:
    asks(server, "Which colour?", "Which size?")
    execution = Execution()
    with pytest.raises(Suspended):
        await adapted(build(server, [ask_human])).run(FakeJournal(of=execution, parked=True))
    assert {question.title for question in execution.open} == {"Which colour?", "Which size?"}


async def test_the_same_question_is_asked_twice(server: OpenAIServer) -> None:
    again = Reply(calls=[Call("ask_human", {"question": QUESTION})])
    server.reply("do it", again, again, "Done.")
    journal = await run(server, ("respond", "Green."), ("respond", "Red."))
    assert len({question.step for question in journal.asked}) == 2
    assert "Red." in server.prompts()[2]


async def test_a_long_question_is_shown_whole(server: OpenAIServer) -> None:
    asks(server, "Which colour?\nGreen is taken.")
    journal = await run(server, ("respond", "Red."))
    assert (journal.asked[0].title, journal.asked[0].description) == ("Which colour?", "Which colour?\nGreen is taken.")


def typed(value: Any) -> Callable[[Any], Say]:
    """Answer with plain data, as it comes from the wire."""
    return lambda question: ("respond", value)


async def test_a_typed_answer_fits_its_model(server: OpenAIServer, path: str) -> None:
    tool = ask_human(schema=Budget)
    journal = await run(server, typed({"rupiah": 1500}), typed({"rupiah": 2000}), tools=[tool])
    first, second = journal.asked
    assert first.schema == Budget.model_json_schema()
    assert (first.description, second.version) == ("", 2)
    assert "rupiah: Value error, whole thousands only" in second.description
    assert '{"rupiah":2000,"reason":""}' in server.prompts()[1]


@pytest.mark.parametrize(
    ("schema", "answer", "told"),
    [
        ({"type": "integer", "minimum": 1}, 3, "3"),
        ({"enum": ["red", "green"]}, "red", '"red"'),
        (list[str], ["red"], '["red"]'),
        (Budget, '{"rupiah": 1000}', '{"rupiah":1000,"reason":""}'),
    ],
)
async def test_a_schema_may_be_any_that_people_use(server: OpenAIServer, schema: Any, answer: Any, told: str) -> None:
    asks(server, QUESTION)
    await run(server, typed(answer), tools=[ask_human(schema=schema)])
    assert told in server.prompts()[1]


async def test_an_answer_that_does_not_fit_a_json_schema_is_asked_for_again(server: OpenAIServer) -> None:
    asks(server, QUESTION)
    tool = ask_human(schema={"type": "object", "properties": {"size": {"type": "integer"}}})
    journal = await run(server, typed({"size": "big"}), typed({"size": 3}), tools=[tool])
    assert "size: 'big' is not of type 'integer'" in journal.asked[1].description


def test_a_schema_that_is_none_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="neither a pydantic model"):
        ask_human(schema=object())


def test_a_tool_has_the_name_and_purpose_that_it_is_given() -> None:
    tool = ask_human(name="ask_client", description="Ask the client.")
    assert (tool.name, tool.description) == ("ask_client", "Ask the client.")
    assert ask_human.name == "ask_human"


async def test_agents_that_work_for_another_ask_too(server: OpenAIServer) -> None:
    def made() -> Crew:
        writer = agent(server, "Writer", tools=[ask_human])
        return Crew(agents=[writer], tasks=[task("it", None)], process=Process.hierarchical, manager_llm=model(server))

    brief = {"task": "paint", "context": "a house", "coworker": "Writer"}
    server.reply("do it", Reply(calls=[Call("delegate_work_to_coworker", brief)]), "Done.")
    server.reply("paint", Reply(calls=[Call("ask_human", {"question": QUESTION})]), "Painted.")
    server.reply("Painted.", "Done.")
    execution = Execution()
    with pytest.raises(Suspended):
        await adapted(made).run(FakeJournal(of=execution, parked=True))
    execution.decide("ask_human", ("respond", "Green."))
    journal = FakeJournal(of=execution)
    await adapted(made).run(journal)
    assert journal.events(TaskCompleted)[0].output == "Done."
    assert any("Green." in prompt for prompt in server.prompts("paint"))


def test_outside_an_execution_it_asks_on_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    typed_in = iter(["", "1500", '{"rupiah": 2000}'])
    shown: list[str] = []

    def answer(prompt: str = "") -> str:
        shown.append(prompt)
        return next(typed_in)

    monkeypatch.setattr(builtins, "input", answer)
    assert json.loads(ask_human(schema=Budget).run(question=QUESTION)) == {"rupiah": 2000, "reason": ""}
    assert QUESTION in shown[0]
    assert len(shown) == 3


def test_a_closed_console_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(prompt: str = "") -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", closed)
    assert ask_human.run(question=QUESTION).startswith("Nobody can say.")
