"""Checkpoints at the methods of flows, and what goes wrong in flows, or seems to."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from protocol.events import TaskCompleted, TaskFailed, TaskSkipped, TaskStarted
from protocol.objects import CrewCheckpoint
from server.runnable import Answer, CrewFailed, Outcome, Question, Stopped, Suspended
from tests.support.crews import CREWAI_WARNINGS, Crew, agent, model, task
from tests.support.flows import Flow, adapted_flow, human_feedback, listen, or_, persist, run_flow, run_parked, start
from tests.support.flows import SQLiteFlowPersistence as Store
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import OpenAIServer, Reply

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]

BODIES: list[str] = []
SERVER: list[OpenAIServer] = []


@pytest.fixture(autouse=True)
def server() -> Iterator[OpenAIServer]:
    BODIES.clear()
    with OpenAIServer() as running:
        SERVER[:] = [running]
        yield running


def crew(name: str, **settings: Any) -> Any:
    writer = agent(SERVER[0])
    return Crew(agents=[writer], tasks=[task(name, writer, **settings)])


class Plan(BaseModel):
    steps: list[str]


class Held(Flow[dict[str, Any]]):
    @start()
    def plan(self) -> Plan:
        """Plan the voyage."""
        BODIES.append("plan")
        return Plan(steps=["sail"])

    @listen(plan)
    def write(self, plan: Plan | None) -> str:
        BODIES.append("write")
        return " ".join(plan.steps) if plan else "no plan"

    @listen(write)
    def count(self, text: str) -> dict[str, int]:
        return {"letters": len(text)}


async def held(answers: dict[str, list[Say]], **more: Any) -> tuple[Outcome, list[FakeJournal]]:
    return await run_parked(Held, answers, checkpoints=[*answers], **more)


async def test_a_method_is_held_before_and_after(server: OpenAIServer) -> None:
    outcome, journals = await held({"before:plan": ["approve"], "after:plan": ["approve"]})
    assert outcome.output_json == {"letters": 4}
    before, after = journals[0].asked[0], journals[1].asked[0]
    assert (before.kind, before.task, before.draft.text) == ("task.before", "plan", "Plan the voyage.")
    assert (after.kind, after.draft.json) == ("task.after", {"steps": ["sail"]})
    assert [action.id for action in after.actions] == ["approve", "edit", "skip", "stop"]
    assert after.schema is not None
    assert after.schema["properties"]["steps"]["type"] == "array"
    assert BODIES == ["plan", "write"]


async def test_an_edit_of_a_model_is_checked_and_becomes_one(server: OpenAIServer) -> None:
    outcome, journals = await held({"after:plan": [("edit", '{"steps": 3}'), ("edit", '{"steps": ["row"]}')]})
    assert outcome.output_json == {"letters": 3}
    assert "steps: Input should be a valid array" in journals[1].asked[0].description
    (done,) = [event for journal in journals for event in journal.events(TaskCompleted) if event.task == "plan"]
    assert (done.edited, done.output_json) == (True, {"steps": ["row"]})


async def test_a_text_and_data_are_edited_as_what_they_are(server: OpenAIServer) -> None:
    outcome, _ = await held({"after:write": [("edit", "longer text")], "after:count": [("edit", '{"letters": 0}')]})
    assert [output.output for output in outcome.tasks][1] == "longer text"
    assert outcome.output_json == {"letters": 0}


@pytest.mark.parametrize("place", ["before", "after"])
async def test_a_method_that_is_skipped_gives_nothing(server: OpenAIServer, place: str) -> None:
    outcome, journals = await held({f"{place}:plan": ["skip"]})
    assert outcome.output_json == {"letters": len("no plan")}
    assert (["write"] if place == "before" else ["plan", "write"]) == BODIES
    assert [event.task for journal in journals for event in journal.events(TaskSkipped)] == ["plan"]
    completed = [event.task for journal in journals for event in journal.events(TaskCompleted)]
    assert completed == ["write", "count"]


@pytest.mark.parametrize("place", ["before", "after"])
async def test_stop_ends_the_flow_there(server: OpenAIServer, place: str) -> None:
    with pytest.raises(Stopped) as stopped:
        await held({f"{place}:write": ["stop"]})
    assert stopped.value.task == "write"


async def test_a_registered_checkpoint_holds_and_has_its_deadline(server: OpenAIServer) -> None:
    registered = CrewCheckpoint(
        name="look", title="Look at it", task="write", place="after", required=True, deadline=9.0, on_deadline="stop"
    )
    execution = Execution()
    with pytest.raises(Suspended):
        await adapted_flow(Held, checkpoints=(registered,)).run(FakeJournal(of=execution, parked=True))
    (question,) = execution.open
    assert (question.name, question.title, question.seconds, question.on_deadline) == (
        "look",
        "Look at it",
        9.0,
        "stop",
    )


async def test_a_checkpoint_that_the_flow_cannot_have_is_not_left_out(server: OpenAIServer) -> None:
    with pytest.raises(CrewFailed) as failed:
        await run_flow(Held, checkpoints=["after_plan"])
    assert failed.value.code == "unknown_checkpoint"
    assert BODIES == []


class Handles(Flow[dict[str, Any]]):
    """Its author expects that a crew may fail."""

    @start()
    def work(self) -> str:
        try:
            return str(crew("breaks").kickoff().raw)
        except Exception:
            return str(crew("instead").kickoff().raw)

    @listen(work)
    @human_feedback(message="?")
    def show(self, text: str) -> str:
        return text


async def test_a_failure_that_the_author_handles_fails_nothing(server: OpenAIServer) -> None:
    server.reply("do breaks", Reply(status=400, text="no such model"))
    server.reply("do instead", "instead of it")
    outcome, journals = await run_parked(Handles, {"show": ["approve"]})
    assert outcome.output == "instead of it"
    assert [event.task for journal in journals for event in journal.events(TaskFailed)] == ["work/breaks"]
    assert len(server.prompts("do instead")) == 1


class Breaks(Flow[dict[str, Any]]):
    @start()
    async def work(self) -> str:
        return str((await crew("breaks").akickoff()).raw)


async def test_a_failure_that_nobody_handles_is_told_where_it_was(server: OpenAIServer) -> None:
    server.reply("do breaks", Reply(status=401, text="the key sk-abcdefghijkl is wrong"))
    journal = FakeJournal()
    with pytest.raises(CrewFailed) as failed:
        await adapted_flow(Breaks).run(journal)
    assert (failed.value.code, failed.value.task) == ("model_error", "work/breaks")
    assert "sk-abc" not in failed.value.message
    assert {event.task for event in journal.events(TaskFailed)} == {"work", "work/breaks"}


class OneOfTwo(Flow[dict[str, Any]]):
    @start()
    def go(self) -> None:
        return None

    @listen(go)
    async def first(self) -> str:
        raise ValueError("the first source is down")

    @listen(go)
    async def second(self) -> str:
        if self.state.get("both"):
            raise ValueError("and so is the second")
        return "second"

    @listen(or_(first, second))
    def use(self, given: str) -> str:
        return f"used {given}"


async def test_of_methods_that_race_one_may_fail(server: OpenAIServer) -> None:
    assert (await run_flow(OneOfTwo))[0].output == "used second"


async def test_methods_that_race_and_all_fail_fail_the_flow(server: OpenAIServer) -> None:
    with pytest.raises(CrewFailed) as failed:
        await run_flow(OneOfTwo, inputs={"both": True})
    assert failed.value.task in ("first", "second")


class Words(Flow[dict[str, Any]]):
    @start()
    @human_feedback(message="Publish it?", emit=["approved", "rejected"], llm="openai/gpt-4o-mini")
    def review(self) -> str:
        return "the draft"

    @listen("approved")
    def publish(self, result: Any) -> str:
        return f"PUBLISHED {result.feedback}"

    @listen("rejected")
    def reject(self, result: Any) -> str:
        return f"REJECTED {result.feedback}"


@pytest.fixture
def asked_model(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> OpenAIServer:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    return server


async def test_words_of_which_no_outcome_can_be_made_are_asked_about(asked_model: OpenAIServer) -> None:
    asked_model.reply("hm, well", "I cannot tell.")
    outcome, journals = await run_parked(Words, {"review": [("respond", "hm, well"), "outcome:rejected"]})
    assert outcome.output == "REJECTED rejected"
    again = journals[1].asked[0]
    assert again.version == 2
    assert "“hm, well”" in again.description
    assert "Publish it?" in again.description
    assert len(asked_model.requests) == 2, "crewai asks in two ways; nothing is made of the same words again"


async def test_a_model_that_is_away_leaves_the_buttons(asked_model: OpenAIServer) -> None:
    asked_model.reply("ship it", Reply(status=400, text="no such model"))
    execution = Execution()
    runnable = adapted_flow(Words)
    said: list[Say] = [("respond", "ship it"), "outcome:rejected"]
    for say in said:
        with pytest.raises(Suspended):
            await runnable.run(FakeJournal(of=execution, parked=True))
        execution.decide("review", say)
    asked_model.reply("ship it", '{"outcome": "approved"}')  # it is back: the button, pressed later, counts
    assert (await runnable.run(FakeJournal(of=execution, parked=True))).output == "REJECTED rejected"


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_empty_words_are_no_answer_whoever_let_them_pass(server: OpenAIServer, text: str) -> None:
    outcome, journals = await run_parked(Words, {"review": [("respond", text), ("outcome:rejected", "no")]})
    assert outcome.output == "REJECTED no"
    assert "empty" in journals[1].asked[0].description


class Asks(Flow[dict[str, Any]]):
    @start()
    def talk(self) -> str:
        answer = self.ask("Who?\nTell all.", timeout=60, metadata={"to": "Rara", "at": datetime(2026, 1, 2)})
        return f"{answer} {[entry['response'] for entry in self._input_history]} {self._input_history[0]['metadata']}"


async def test_a_question_has_its_words_its_time_and_its_history(server: OpenAIServer) -> None:
    outcome, journals = await run_parked(Asks, {"ask": [("respond", "Budi")]})
    (question,) = journals[0].asked
    assert (question.title, question.description, question.seconds) == ("Who?", "Who?\nTell all.", 60)
    assert question.facts == {"to": "Rara", "at": "2026-01-02 00:00:00"}
    assert outcome.output.startswith("Budi ['Budi'] {'to': 'Rara'")


async def test_a_question_whose_time_is_over_gives_nothing(server: OpenAIServer) -> None:
    execution, runnable = Execution(), adapted_flow(Asks)
    with pytest.raises(Suspended):
        await runnable.run(FakeJournal(of=execution, parked=True))
    (question,) = execution.open
    assert question.on_deadline is not None
    execution.answers[question.step, 1] = expired(question)
    assert (await runnable.run(FakeJournal(of=execution, parked=True))).output.startswith("None [None]")


def expired(question: Question) -> Answer:
    """What the server makes of a question whose time is over."""
    return Answer(checkpoint="cp_1", version=1, action=str(question.on_deadline))  # type: ignore[arg-type]


class Rows(Store):
    """Counts what is stored."""

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
        BODIES.append(f"stored {method_name}")
        super().save_state(flow_uuid, method_name, state_data)


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return Rows(db_path=str(tmp_path / "rows.db"))


async def test_a_stored_state_is_taken_up_once_and_stored_once(server: OpenAIServer, rows: Rows) -> None:
    @persist(rows)
    class Counts(Flow[dict[str, Any]]):
        @start()
        def one(self) -> None:
            self.state["n"] = self.state.get("n", 0) + 1

        @listen(one)
        @human_feedback(message="?")
        def two(self) -> int:
            self.state["n"] += 1
            return int(self.state["n"])

        @listen(two)
        def three(self) -> int:
            self.state["n"] += 1
            return int(self.state["n"])

    for total in (3, 6):
        BODIES.clear()
        outcome, journals = await run_parked(Counts, {"two": ["approve"]}, inputs={"id": "mine"})
        assert (outcome.output_json, len(journals)) == (total, 2)
        assert BODIES == ["stored one", "stored two", "stored three"]


class Learns(Flow[dict[str, Any]]):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        object.__setattr__(self, "memory", SimpleNamespace(recall=recall, extract_memories=str.split, **LESSONS))

    @start()
    @human_feedback(message="?", llm="openai/gpt-4o-mini", learn=True)
    def draft(self) -> str:
        return "the raw draft"

    @listen(draft)
    def end(self, result: Any) -> str:
        return f"{result.output} {result.feedback} {self.ask('More?')}"


LEARNT: list[str] = []


def recall(query: str, **_: Any) -> list[Any]:
    return [SimpleNamespace(record=SimpleNamespace(content=lesson)) for lesson in LEARNT]


def remember(lessons: list[str], **_: Any) -> None:
    LEARNT.extend(lessons)


LESSONS = {"remember_many": remember}


async def test_what_is_learnt_is_learnt_once_and_changes_no_draft_that_was_shown(asked_model: OpenAIServer) -> None:
    LEARNT[:] = ["be short"]
    asked_model.reply("the raw draft", '{"improved_output": "the short draft"}')
    asked_model.reply("be kind", '{"lessons": ["be kind"]}')
    execution, runnable = Execution(), adapted_flow(Learns)
    with pytest.raises(Suspended):
        await runnable.run(FakeJournal(of=execution, parked=True))
    assert execution.open[0].draft.text == "the short draft"
    LEARNT.append("something that another execution learnt")
    execution.decide("draft", ("respond", "be kind"))
    for _ in range(2):
        with pytest.raises(Suspended):
            await runnable.run(FakeJournal(of=execution, parked=True))
    execution.decide("ask", ("respond", "no"))
    outcome = await runnable.run(FakeJournal(of=execution, parked=True))
    assert outcome.output == "the short draft be kind no"
    assert LEARNT.count("be kind") == 1
    assert len(asked_model.requests) == 2


async def test_ten_flows_at_once_keep_apart(server: OpenAIServer) -> None:
    async def one(number: int) -> str:
        topic = f"topic{number}"
        return (await run_parked(Topical, {"show": [("respond", topic)]}, inputs={"topic": topic}))[0].output

    assert await asyncio.gather(*map(one, range(10))) == [f"topic{number} topic{number}" for number in range(10)]


class Topical(Flow[dict[str, Any]]):
    @start()
    @human_feedback(message="?")
    def show(self) -> str:
        return str(self.state["topic"])

    @listen(show)
    def end(self, result: Any) -> str:
        return f"{result.output} {result.feedback}"


async def test_rounds_are_told_of_methods_that_run_again(server: OpenAIServer) -> None:
    class Twice(Flow[dict[str, Any]]):
        @start()
        def go(self) -> str:
            return str(model(server).call("hello"))

        @listen(or_(go, "again"))
        def work(self) -> None:
            BODIES.append("work")

    _, journal = await run_flow(Twice)
    assert [(event.task, event.round) for event in journal.events(TaskStarted)] == [("go", 1), ("work", 1)]
