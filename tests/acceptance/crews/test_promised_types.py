"""Outputs of a promised type: shown and edited as that type, by `human_input` and at a checkpoint alike."""

import json

import pytest

from protocol.events import TaskCompleted
from tests.support.crews import Crew, agent, ask_human, task
from tests.support.human_input import Verdict, build, run
from tests.support.journal import Say
from tests.support.openai_server import OpenAIServer


@pytest.mark.parametrize("place", ["input:it", "after:it"])
@pytest.mark.parametrize("kind", ["output_pydantic", "output_json"])
async def test_a_typed_output_is_shown_and_edited_as_its_type(server: OpenAIServer, place: str, kind: str) -> None:
    server.reply("do it", '{"word": "good", "score": 3}')
    answers: dict[str, list[Say]] = {"input:it": ["approve"]}
    answers[place] = [("edit", '{"word": "bad", "score": 10}'), ("edit", '{"word": "bad", "score": 1}')]
    journal = await run(build(server, **{kind: Verdict}), answers)
    first, second = (question for question in journal.asked if question.name == place)
    assert first.schema == Verdict.model_json_schema()
    assert (first.draft.content_type, first.draft.json) == ("application/json", {"word": "good", "score": 3})
    assert (
        second.description == "Your text does not fit what the task promises: score: Value error, nobody is that good"
    )
    assert (second.draft.text, second.draft.json) == ('{"word": "bad", "score": 10}', {"word": "bad", "score": 10})
    assert [action.id for action in second.actions] == ["edit", "revise", "skip", "stop"]
    done = journal.events(TaskCompleted)[0]
    assert (done.output_json, done.edited) == ({"word": "bad", "score": 1}, True)
    assert len(server.prompts("do it")) == 1


@pytest.mark.parametrize("place", ["input:it", "after:it"])
async def test_a_text_that_does_not_fit_is_gone_on_from(server: OpenAIServer, place: str) -> None:
    server.reply("do it", '{"word": "good", "score": 3}', '{"word": "great", "score": 4}')
    answers: dict[str, list[Say]] = {"input:it": ["approve"]}
    answers[place] = [("edit", "great, of course"), ("revise", "Make it fit"), "approve"]
    journal = await run(build(server, output_pydantic=Verdict), answers)
    shown = [question.draft.text for question in journal.asked if question.name == place]
    assert shown[1] == "great, of course"
    assert json.loads(shown[2]) == {"word": "great", "score": 4}
    assert "great, of course" in server.prompts("do it")[1]
    assert "Make it fit" in server.prompts("do it")[1]


async def test_an_answer_that_is_not_yet_of_its_type_is_shown_as_it_is(server: OpenAIServer) -> None:
    def made() -> Crew:
        writer = agent(server, tools=[ask_human])  # with tools, crewai converts the answer after it was given
        return Crew(agents=[writer], tasks=[task("it", writer, human_input=True, output_pydantic=Verdict)])

    server.reply("do it", "It is good, a three.")
    journal = await run(made, {"input:it": [("edit", '{"word": "good", "score": 2}')]})
    (question,) = journal.asked
    assert (question.draft.text, question.draft.content_type) == ("It is good, a three.", "text/markdown")
    assert question.schema == Verdict.model_json_schema()
    assert journal.events(TaskCompleted)[0].output_json == {"word": "good", "score": 2}
    assert len(server.requests) == 1
