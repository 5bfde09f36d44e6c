"""Checkpoints before and after the tasks of real crews: every way to answer, in every kind of crew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from protocol.events import TaskCompleted, TaskFailed, TaskSkipped, TaskStarted
from server.runnable import CrewFailed, Outcome, Stopped
from tests.support.crews import ConditionalTask, Crew, Process, adapted, agent, keep_in, model, task
from tests.support.journal import FakeJournal, Say
from tests.support.openai_server import OpenAIServer


class Verdict(BaseModel):
    word: str
    score: int


def chain(server: OpenAIServer, *names: str, **settings: Any) -> Callable[[], Crew]:
    """Make a factory of a sequential crew with one agent."""

    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task(name, writer) for name in names], **settings)

    return build


async def run(build: Callable[[], Crew], answers: dict[str, list[Say]], **more: Any) -> tuple[Outcome, FakeJournal]:
    """Run with a checkpoint for every name that has answers."""
    journal = FakeJournal(checkpoints=[*answers], answers=answers, **more)
    return await adapted(build).run(journal), journal


async def test_a_crew_goes_on_when_its_output_is_approved(server: OpenAIServer) -> None:
    server.reply("do planning", "The plan.")
    server.reply("do writing", "The text.")
    outcome, journal = await run(chain(server, "planning", "writing"), {"after:planning": ["approve"]})
    assert outcome.output == "The text."
    assert [(done.task, done.output, done.agent) for done in outcome.tasks] == [
        ("planning", "The plan.", "Writer"),
        ("writing", "The text.", "Writer"),
    ]
    (question,) = journal.asked
    assert (question.step, question.kind, question.draft.text) == ("t0/after/after:planning", "task.after", "The plan.")
    assert [action.id for action in question.actions] == ["approve", "edit", "revise", "skip", "stop"]
    assert question.facts == {"task": "do planning", "tokens": 18}


async def test_a_revision_goes_back_with_the_persons_words(server: OpenAIServer) -> None:
    server.reply("do planning", "Plan one.", "Plan two.", "Plan three.")
    answers: dict[str, list[Say]] = {"after:planning": [("revise", "Shorter"), ("revise", "Shorter yet"), "approve"]}
    _, journal = await run(chain(server, "planning", "writing"), answers)
    assert [question.version for question in journal.asked] == [1, 2, 3]
    assert [question.draft.text for question in journal.asked] == ["Plan one.", "Plan two.", "Plan three."]
    assert "Your previous answer:\nPlan one.\n\nA person asks you to revise it:\nShorter" in server.prompts()[1]
    assert "Your previous answer:\nPlan two.\n\nA person asks you to revise it:\nShorter yet" in server.prompts()[2]
    assert [event.round for event in journal.events(TaskStarted)] == [1, 2, 3, 1]
    assert journal.events(TaskCompleted)[0].usage.calls == 3
    assert "Plan three." in server.prompts("do writing")[0]


async def test_an_edit_is_what_the_next_task_reads(server: OpenAIServer) -> None:
    server.reply("do planning", "The plan.")
    _, journal = await run(chain(server, "planning", "writing"), {"after:planning": [("edit", "My plan.")]})
    first, second = journal.events(TaskCompleted)
    assert (first.output, first.edited, second.edited) == ("My plan.", True, False)
    assert "My plan." in server.prompts("do writing")[0]
    assert "The plan." not in server.prompts("do writing")[0]


async def test_a_skipped_output_is_discarded(server: OpenAIServer) -> None:
    server.reply("do planning", "The plan.")
    seen: list[str] = []
    build = chain(server, "planning", "writing", task_callback=lambda output: seen.append(output.raw))
    outcome, journal = await run(build, {"after:planning": ["skip"]})
    assert [event.task for event in journal.events(TaskSkipped)] == ["planning"]
    assert [event.task for event in journal.events(TaskCompleted)] == ["writing"]
    assert "The plan." not in server.prompts("do writing")[0]
    assert seen == ["An answer."]
    assert [done.output for done in outcome.tasks] == ["", "An answer."]


@pytest.mark.parametrize("place", ["before", "after"])
async def test_a_stop_ends_the_crew_there(server: OpenAIServer, place: str) -> None:
    name = f"{place}:writing"
    journal = FakeJournal(checkpoints=[name], answers={name: ["stop"]})
    with pytest.raises(Stopped) as stopped:
        await adapted(chain(server, "planning", "writing", "checking")).run(journal)
    assert (stopped.value.checkpoint, stopped.value.task) == (f"cp_t1/{place}/{name}", "writing")
    assert [event.task for event in journal.events(TaskCompleted)] == ["planning"]
    assert journal.events(TaskFailed) == []
    assert server.prompts("do checking") == []


async def test_a_task_starts_after_it_is_approved_with_guidance(server: OpenAIServer) -> None:
    _, journal = await run(
        chain(server, "planning", "writing"), {"before:writing": [lambda q: ("approve", f"Mind {q.draft.text}")]}
    )
    (question,) = journal.asked
    assert (question.kind, question.agent) == ("task.before", "Writer")
    assert [action.id for action in question.actions] == ["approve", "edit", "skip", "stop"]
    assert "A person says: Mind do writing" in server.prompts("do writing")[0]


async def test_an_edit_before_a_task_replaces_its_description(server: OpenAIServer) -> None:
    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("planning", writer, description="do {what} well")])

    _, journal = await run(build, {"before:planning": [("edit", "plan only {this}")]}, inputs={"what": "tea"})
    assert journal.asked[0].draft.text == "do tea well"
    assert server.prompts("do tea well") == []
    assert len(server.prompts("plan only {this}")) == 1


async def test_a_task_that_is_skipped_before_it_starts_asks_no_model(server: OpenAIServer) -> None:
    outcome, journal = await run(chain(server, "planning", "writing"), {"before:planning": ["skip"]})
    assert server.prompts("do planning") == []
    assert journal.types()[:2] == ["task.skipped", "task.started"]
    assert outcome.output == "An answer."


async def test_a_crew_may_be_skipped_as_a_whole(server: OpenAIServer) -> None:
    outcome, journal = await run(
        chain(server, "planning", "writing"), {"before:planning": ["skip"], "after:writing": ["skip"]}
    )
    assert outcome.output == ""
    assert [event.task for event in journal.events(TaskSkipped)] == ["planning", "writing"]


async def test_two_names_at_one_place_are_asked_one_after_the_other(server: OpenAIServer) -> None:
    server.reply("do planning", "Plan one.", "Plan two.")
    constant = {
        "checkpoints": [
            {"name": "legal", "title": "Legal", "description": "No claims.", "task": "planning", "place": "after"},
            {"name": "tone", "task": "planning", "place": "after", "required": True},
        ]
    }
    answers: dict[str, list[Say]] = {"legal": ["approve"], "tone": [("revise", "Warmer"), "approve"]}
    journal = FakeJournal(checkpoints=["legal"], answers=answers)
    await adapted(chain(server, "planning"), constant).run(journal)
    assert [(q.name, q.version, q.draft.text) for q in journal.asked] == [
        ("legal", 1, "Plan one."),
        ("tone", 1, "Plan one."),
        ("tone", 2, "Plan two."),
    ]
    assert (journal.asked[0].title, journal.asked[0].description) == ("Legal", "No claims.")


async def test_a_checkpoint_that_the_crew_does_not_have_is_never_left_out(server: OpenAIServer) -> None:
    journal = FakeJournal(checkpoints=["after:planing"])
    with pytest.raises(CrewFailed, match="did you mean 'after:planning'") as failed:
        await adapted(chain(server, "planning")).run(journal)
    assert failed.value.code == "unknown_checkpoint"
    assert server.requests == []


def structured(server: OpenAIServer, **settings: Any) -> Callable[[], Crew]:
    def build() -> Crew:
        judge = agent(server, "Judge")
        first = task("judging", judge, **settings)
        return Crew(agents=[judge], tasks=[first, task("telling", judge)])

    return build


@pytest.mark.parametrize("kind", ["output_pydantic", "output_json"])
async def test_an_edit_of_a_structured_output_must_fit_its_model(server: OpenAIServer, kind: str) -> None:
    server.reply("do judging", '{"word": "good", "score": 3}')
    answers: dict[str, list[Say]] = {
        "after:judging": [("edit", '{"word": "bad"}'), ("edit", "no JSON"), ("edit", '{"word": "bad", "score": 1}')]
    }
    _, journal = await run(structured(server, **{kind: Verdict}), answers)
    first, second, third = journal.asked
    assert (first.draft.content_type, first.draft.json) == ("application/json", {"word": "good", "score": 3})
    assert "score: Field required" in second.description
    assert "Invalid JSON" in third.description
    assert [question.version for question in journal.asked] == [1, 2, 3]
    done = journal.events(TaskCompleted)[0]
    assert (done.output_json, done.edited) == ({"word": "bad", "score": 1}, True)


async def test_nothing_downstream_sees_a_draft_that_was_not_accepted(server: OpenAIServer, tmp_path: Path) -> None:
    keep_in(tmp_path)
    server.reply("do judging", '{"word": "no", "score": 1}', '{"word": "ok", "score": 2}', '{"word": "ok", "score": 3}')
    seen: list[Any] = []
    checked: list[str] = []

    def guardrail(output: Any) -> tuple[bool, Any]:
        checked.append(output.raw)
        return ("ok" in output.raw, output.raw if "ok" in output.raw else "the word must be ok")

    note = {"callback": lambda output: seen.append(output.pydantic), "output_file": "verdict.json"}
    build = structured(server, output_pydantic=Verdict, guardrail=guardrail, **note)
    _, journal = await run(build, {"after:judging": [("revise", "Higher"), "approve"]})
    assert [question.draft.json for question in journal.asked] == [
        {"word": "ok", "score": 2},
        {"word": "ok", "score": 3},
    ]
    assert len(checked) == 3
    assert seen == [Verdict(word="ok", score=3)]
    assert written(tmp_path / "files" / "x_test" / "verdict.json") == Verdict(word="ok", score=3)


def written(file: Path) -> Verdict:
    return Verdict.model_validate_json(file.read_text())


def hierarchical(server: OpenAIServer) -> Crew:
    workers = [agent(server, "Writer"), agent(server, "Critic")]
    tasks = [task(name, None) for name in ("one", "two", "three")]
    return Crew(agents=workers, tasks=tasks, process=Process.hierarchical, manager_llm=model(server))


async def test_a_managers_tasks_are_held_as_any_others(server: OpenAIServer) -> None:
    server.reply("do one", "First.", "Second.")
    answers: dict[str, list[Say]] = {"after:one": [("revise", "More"), ("edit", "Mine.")], "before:two": ["skip"]}
    outcome, journal = await run(lambda: hierarchical(server), answers)
    assert [question.agent for question in journal.asked] == ["Crew Manager"] * 3
    assert "A person asks you to revise it:\nMore" in server.prompts("do one")[1]
    assert "Mine." in server.prompts("do three")[0]
    assert [done.output for done in outcome.tasks] == ["Mine.", "", "An answer."]


@pytest.mark.parametrize(("edited", "types"), [(True, ["one", "two", "three"]), (False, ["one", "three"])])
async def test_a_condition_reads_the_accepted_output(server: OpenAIServer, edited: bool, types: list[str]) -> None:
    def build() -> Crew:
        writer = agent(server)
        second = ConditionalTask(
            name="two", description="do two", expected_output="x", agent=writer, condition=lambda out: "yes" in out.raw
        )
        return Crew(agents=[writer], tasks=[task("one", writer), second, task("three", writer)])

    answers: dict[str, list[Say]] = {"after:one": [("edit", "yes") if edited else "approve"]}
    _, journal = await run(build, answers)
    assert [event.task for event in journal.events(TaskCompleted)] == types
    skipped = [(event.task, event.index, event.message) for event in journal.events(TaskSkipped)]
    assert skipped == ([] if edited else [("two", 1, "Its condition was not met.")])
    if not edited:
        assert journal.types().index("task.skipped") < journal.types().index("task.started", 5)
