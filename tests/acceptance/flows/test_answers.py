"""What people say to a flow: words that nobody understands, none at all, words to learn from; and what it stores."""

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server.runnable import Answer, Question, Suspended
from tests.support.flow_notes import BODIES
from tests.support.flows import Flow, adapted_flow, human_feedback, listen, persist, run_parked, start
from tests.support.flows import SQLiteFlowPersistence as Store
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import OpenAIServer, Reply


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


def expired(question: Question) -> Answer:
    """What the server makes of a question whose time is over."""
    return Answer(checkpoint="cp_1", version=1, action=str(question.on_deadline))  # type: ignore[arg-type]


async def test_a_question_whose_time_is_over_gives_nothing(server: OpenAIServer) -> None:
    execution, runnable = Execution(), adapted_flow(Asks)
    with pytest.raises(Suspended):
        await runnable.run(FakeJournal(of=execution, parked=True))
    (question,) = execution.open
    assert question.on_deadline is not None
    execution.answers[question.step, 1] = expired(question)
    assert (await runnable.run(FakeJournal(of=execution, parked=True))).output.startswith("None [None]")


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


LEARNT: list[str] = []


def recall(query: str, **_: Any) -> list[Any]:
    return [SimpleNamespace(record=SimpleNamespace(content=lesson)) for lesson in LEARNT]


def remember(lessons: list[str], **_: Any) -> None:
    LEARNT.extend(lessons)


class Learns(Flow[dict[str, Any]]):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        object.__setattr__(
            self, "memory", SimpleNamespace(recall=recall, extract_memories=str.split, remember_many=remember)
        )

    @start()
    @human_feedback(message="?", llm="openai/gpt-4o-mini", learn=True)
    def draft(self) -> str:
        return "the raw draft"

    @listen(draft)
    def end(self, result: Any) -> str:
        return f"{result.output} {result.feedback} {self.ask('More?')}"


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
