"""Checkpoints at the methods of flows."""

from typing import Any

import pytest
from pydantic import BaseModel

from protocol.events import TaskCompleted, TaskSkipped
from protocol.objects import CrewCheckpoint
from server.runnable import CrewFailed, Outcome, Stopped, Suspended
from tests.support.flow_notes import BODIES
from tests.support.flows import Flow, adapted_flow, listen, run_flow, run_parked, start
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import OpenAIServer


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
