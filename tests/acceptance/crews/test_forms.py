"""The forms of asking that a crew's own code brings: `human_input`, promised types, guardrails and callbacks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from protocol.events import JournalMissed, TaskCompleted, TaskSkipped, TaskStarted
from server.runnable import Stopped, Suspended
from tests.support.crews import (
    Crew,
    Process,
    TaskOutput,
    adapted,
    agent,
    ask_human,
    keep_in,
    model,
    task,
)
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import Call, OpenAIServer, Reply

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


class Verdict(BaseModel):
    word: str
    score: int

    @field_validator("score")
    @classmethod
    def _low(cls, value: int) -> int:
        if value > 9:
            raise ValueError("nobody is that good")
        return value


def build(server: OpenAIServer, **settings: Any) -> Callable[[], Crew]:
    """Make a factory of a crew whose first task asks for human input."""

    def made() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer, human_input=True, **settings), task("next", writer)])

    return made


async def run(made: Callable[[], Crew], answers: dict[str, list[Say]], **more: Any) -> FakeJournal:
    names = [name for name in answers if not name.startswith("input:")]
    journal = FakeJournal(checkpoints=names, answers=answers, **more)
    await adapted(made).run(journal)
    return journal


async def through(made: Callable[[], Crew], *said: tuple[str, Say], checkpoints: tuple[str, ...] = ()) -> FakeJournal:
    """Answer one question after another; the crew is unwound before each, and made anew behind it."""
    execution, runnable = Execution(), adapted(made)
    for name, say in said:
        with pytest.raises(Suspended):
            await runnable.run(FakeJournal(of=execution, checkpoints=checkpoints, parked=True))
        execution.decide(name, say)
    journal = FakeJournal(of=execution, checkpoints=checkpoints, parked=True)
    await runnable.run(journal)
    return journal


# human_input


async def test_an_agents_answer_is_held_where_the_author_wants_it(server: OpenAIServer) -> None:
    server.reply("do it", "The plan.")
    journal = await run(build(server), {"input:it": ["approve"]})
    (question,) = journal.asked
    assert (question.kind, question.name, question.task, question.agent) == ("task.input", "input:it", "it", "Writer")
    assert (question.draft.text, question.draft.content_type, question.schema) == ("The plan.", "text/markdown", None)
    assert [action.id for action in question.actions] == ["approve", "edit", "revise", "skip", "stop"]
    assert question.step == "t0/1/input.0"
    assert [done.edited for done in journal.events(TaskCompleted)] == [False, False]
    assert "The plan." in server.prompts("do next")[0]


async def test_a_revision_goes_on_in_the_agents_own_conversation(server: OpenAIServer) -> None:
    server.reply("do it", "Plan one.", "Plan two.", "Plan three.")
    journal = await run(build(server), {"input:it": [("revise", "Shorter"), ("revise", "Shorter yet"), "approve"]})
    assert [(question.version, question.draft.text) for question in journal.asked] == [
        (1, "Plan one."), (2, "Plan two."), (3, "Plan three."),
    ]  # fmt: skip
    third = [message["content"] for message in server.requests[2].body["messages"]]
    places = [
        next(at for at, text in enumerate(third) if word in text)
        for word in ("Plan one.", "Shorter", "Plan two.", "Shorter yet")
    ]
    assert places == sorted(places)
    assert [(event.task, event.round) for event in journal.events(TaskStarted)] == [
        ("it", 1), ("it", 2), ("it", 3), ("next", 1),
    ]  # fmt: skip
    assert "Plan three." in server.prompts("do next")[0]


async def test_an_edit_is_what_everything_after_it_reads(server: OpenAIServer) -> None:
    journal = await run(build(server), {"input:it": [("edit", "Mine.")]})
    done = journal.events(TaskCompleted)[0]
    assert (done.output, done.edited) == ("Mine.", True)
    assert "Mine." in server.prompts("do next")[0]


async def test_a_skipped_answer_is_nowhere(server: OpenAIServer, tmp_path: Path) -> None:
    keep_in(tmp_path)
    server.reply("do it", '{"word": "good", "score": 3}')
    made = build(server, output_pydantic=Verdict, output_file="plan.md", callback=_note, guardrail=_fits)
    journal = await run(made, {"input:it": ["skip"]})
    assert [event.task for event in journal.events(TaskSkipped)] == ["it"]
    assert "good" not in server.prompts("do next")[0]
    assert (SEEN, len(server.requests)) == ([], 2)
    assert not (tmp_path / "files").exists()


async def test_a_stop_ends_the_execution(server: OpenAIServer) -> None:
    with pytest.raises(Stopped) as stopped:
        await run(build(server), {"input:it": ["stop"]})
    assert stopped.value.task == "it"
    assert server.prompts("do next") == []


async def test_many_rounds_wait_without_their_crew(server: OpenAIServer) -> None:
    server.reply("do it", *[f"Plan {number}." for number in range(6)])
    rounds: list[tuple[str, Say]] = [("input:it", ("revise", f"Better than {number}")) for number in range(5)]
    journal = await through(build(server), *rounds, ("input:it", "approve"))
    assert journal.events(TaskCompleted)[0].output == "Plan 5."
    assert len(server.prompts("do it")) == 6
    assert journal.events(TaskCompleted)[0].usage.calls == 6


async def test_human_input_and_a_gate_at_one_task_are_both_asked(server: OpenAIServer) -> None:
    server.reply("do it", "Plan one.", "Plan two.", "Plan three.")
    journal = await through(
        build(server),
        ("input:it", ("revise", "Shorter")),
        ("input:it", ("edit", "Plan mine.")),
        ("after:it", ("revise", "Longer")),
        ("after:it", "approve"),
        checkpoints=("after:it",),
    )
    done = journal.events(TaskCompleted)[0]
    assert (done.output, done.edited) == ("Plan three.", False)
    assert "Your previous answer:\nPlan mine.\n\nA person asks you to revise it:\nLonger" in server.prompts()[2]


async def test_rounds_are_counted_over_both_places(server: OpenAIServer) -> None:
    answers: dict[str, list[Say]] = {
        "input:it": [("revise", "Shorter"), "approve"], "after:it": [("revise", "Longer"), "approve"],
    }  # fmt: skip
    journal = await run(build(server), answers)
    assert [event.round for event in journal.events(TaskStarted) if event.task == "it"] == [1, 2, 3]
    assert [question.name for question in journal.asked] == ["input:it"] * 2 + ["after:it"] * 2


async def test_an_edit_of_an_answer_is_remembered_at_the_gate(server: OpenAIServer) -> None:
    journal = await through(
        build(server), ("input:it", ("edit", "Mine.")), ("after:it", "approve"), checkpoints=("after:it",)
    )
    assert journal.events(TaskCompleted)[0].edited


async def test_a_managers_answer_is_held_and_not_that_of_its_workers(server: OpenAIServer) -> None:
    def made() -> Crew:
        tasks = [task("it", None, human_input=True)]
        return Crew(agents=[agent(server)], tasks=tasks, process=Process.hierarchical, manager_llm=model(server))

    brief = {"task": "paint", "context": "a house", "coworker": "Writer"}
    server.reply("do it", Reply(calls=[Call("delegate_work_to_coworker", brief)]), "Done.", "Done better.")
    server.reply("paint", "Painted.")
    server.reply("Painted.", "Done.", "Done better.")
    journal = await through(made, ("input:it", ("revise", "More")), ("input:it", "approve"))
    assert journal.events(TaskCompleted)[0].output == "Done better."
    assert len(server.prompts("paint")) == 1


async def test_a_guardrails_second_draft_is_held_again(server: OpenAIServer) -> None:
    server.reply("do it", "no", "ok")
    journal = await through(build(server, guardrail=_fits), ("input:it", "approve"), ("input:it", "approve"))
    assert journal.events(TaskCompleted)[0].output == "ok"
    assert len(server.prompts("do it")) == 2


async def test_tasks_side_by_side_are_held_side_by_side(server: OpenAIServer) -> None:
    def made() -> Crew:
        pair = [agent(server, "Left"), agent(server, "Right")]
        sides = [task(who.role.lower(), who, human_input=True, async_execution=True) for who in pair]
        return Crew(agents=pair, tasks=[*sides, task("join", pair[0], context=list(sides))])

    execution = Execution()
    with pytest.raises(Suspended):
        await adapted(made).run(FakeJournal(of=execution, parked=True))
    assert {question.name for question in execution.open} == {"input:left", "input:right"}
    execution.decide("input:left", ("edit", "Left mine."))
    execution.decide("input:right", ("edit", "Right mine."))
    await adapted(made).run(FakeJournal(of=execution))
    assert "Left mine." in server.prompts("do join")[0]
    assert "Right mine." in server.prompts("do join")[0]


# promised types


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


# guardrails and callbacks


def _fits(output: TaskOutput) -> tuple[bool, Any]:
    SEEN.append(f"checked {output.raw}")
    return ("ok" in output.raw or "mine" in output.raw, output.raw)


def _note(output: TaskOutput) -> None:
    SEEN.append(f"noted {output.raw}")


async def _note_slowly(output: TaskOutput) -> None:
    _note(output)


def _note_step(answer: Any) -> None:
    SEEN.append(str(answer.output))


async def _note_step_slowly(answer: Any) -> None:
    _note_step(answer)


async def test_a_persons_word_is_final(server: OpenAIServer) -> None:
    server.reply("do it", "ok")
    await through(
        build(server, guardrail=_fits, callback=_note), ("input:it", "approve"), ("after:it", ("edit", "anything")),
        checkpoints=("after:it",),
    )  # fmt: skip
    assert set(SEEN) == {"checked ok", "noted anything"}
    assert SEEN.count("noted anything") == 1


@pytest.mark.parametrize("callback", [_note, _note_slowly])
async def test_callbacks_are_called_once_whatever_comes_after(server: OpenAIServer, callback: Any) -> None:
    def made() -> Crew:
        writer = agent(server)
        tasks = [task("it", writer, callback=callback), task("next", writer)]
        return Crew(agents=[writer], tasks=tasks, task_callback=lambda output: SEEN.append(f"crew {output.raw}"))

    server.reply("do it", "One.", "Two.")
    await through(
        made, ("after:it", ("revise", "More")), ("after:it", "approve"), ("before:next", "approve"),
        ("after:next", "approve"), checkpoints=("after:it", "before:next", "after:next"),
    )  # fmt: skip
    assert SEEN == ["noted Two.", "crew Two.", "crew An answer."]


async def test_a_callback_of_both_task_and_crew_is_called_once(server: OpenAIServer) -> None:
    def made() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer, callback=_note)], task_callback=_note)

    await run(made, {"after:it": ["approve"]})
    assert SEEN == ["noted An answer."]


async def test_a_callback_may_ask_a_person(server: OpenAIServer) -> None:
    def confirm(output: TaskOutput) -> None:
        SEEN.append(ask_human.run(question=f"Send {output.raw}?"))

    journal = await through(
        build(server, callback=confirm), ("input:it", "approve"), ("ask_human", ("respond", "Yes."))
    )
    assert SEEN == ["Yes."]
    assert journal.events(JournalMissed) == []


@pytest.mark.parametrize("owner", ["agent", "crew"])
@pytest.mark.parametrize("callback", [_note_step, _note_step_slowly])
async def test_step_callbacks_are_called_once_for_each_step(server: OpenAIServer, owner: str, callback: Any) -> None:
    def made() -> Crew:
        writer = agent(server, tools=[ask_human], **({"step_callback": callback} if owner == "agent" else {}))
        settings = {"step_callback": callback} if owner == "crew" else {}
        return Crew(agents=[writer], tasks=[task("it", writer, human_input=True)], **settings)

    server.reply("do it", Reply(calls=[Call("ask_human", {"question": "Which?"})]), "One.", "Two.")
    await through(
        made, ("ask_human", ("respond", "This.")), ("input:it", ("revise", "More")), ("input:it", "approve")
    )  # fmt: skip
    assert SEEN == ["One.", "Two."]


class Died(BaseException):
    """The worker dies in the middle of a callback."""


async def test_a_callback_that_a_worker_died_in_is_not_called_again(server: OpenAIServer) -> None:
    def die(output: TaskOutput) -> None:
        SEEN.append("begun")
        raise Died

    execution = Execution()
    runnable = adapted(build(server, callback=die))
    with pytest.raises(Died):
        await runnable.run(FakeJournal(of=execution, answers={"input:it": ["approve"]}))
    journal = FakeJournal(of=execution)
    await runnable.run(journal)
    assert SEEN == ["begun"]
    assert [event.step for event in journal.events(JournalMissed)] == ["t0/callback"]
    assert [event.task for event in journal.events(TaskCompleted)] == ["it", "next"]
