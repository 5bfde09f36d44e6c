"""The rules of a checkpoint, as a table: who is refused, and what an answer makes."""

from typing import Any

import msgspec
import pytest

from protocol.commands import Decision
from protocol.errors import ErrorCode, Refused
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Action, Actor, Checkpoint, CheckpointState, Draft, ToolRequest
from server import checkpoint
from server.checkpoint import Record
from server.execution import Change
from server.runnable import Question

RARA = Actor(id="rara", name="Rara")
ACTIONS = (
    Action(id="approve", label="Approve"),
    Action(id="edit", label="Approve with edits"),
    Action(id="revise", label="Request changes", needs_feedback=True),
    Action(id="stop", label="Stop run", confirm=True),
)


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["name"],
}
TOOL = ToolRequest(name="send", arguments={"to": "Rara"}, schema={"type": "object", "required": ["to"]})
#: What is asked in each form, and an answer to it that is taken.
FORMS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "tool": ({"kind": "tool", "tool": TOOL}, ["approve", "edit", "reject", "stop"]),
    "ask": ({"kind": "ask"}, ["respond", "stop"]),
    "typed": ({"kind": "ask", "schema": SCHEMA}, ["respond"]),
    "draft": ({"kind": "task.after", "schema": SCHEMA}, ["approve", "edit"]),
    "recovery": ({"kind": "recovery", "tool": TOOL}, ["retry", "edit", "stop"]),
    "flow": ({"kind": "flow"}, ["outcome:yes", "outcome:no", "respond"]),
    "strange": ({"kind": "ask", "schema": {"type": "no such type", "$ref": "nowhere"}}, ["respond"]),
}


def form(name: str) -> Checkpoint:
    fields, actions = FORMS[name]
    question = Question(
        step="q", version=1, name=name, title="?", description="", draft=Draft(text="{}"),
        actions=tuple(Action(id=a, label=a, needs_feedback=a == "reject") for a in actions), **fields,
    )  # fmt: skip
    ident, execution = CheckpointId("cp_1"), ExecutionId("x_1")
    return checkpoint.opened(question, ident=ident, execution=execution, at="2026-01-01", before=None)[0].checkpoint


TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("tool", {"action": "approve"}),
    ("tool", {"action": "edit", "arguments": {"to": "Dimas"}}),
    ("tool", {"action": "reject", "feedback": "not today"}),
    ("ask", {"action": "respond", "response": "blue"}),
    ("ask", {"action": "respond", "feedback": "blue"}),
    ("ask", {"action": "respond", "response": 0}),
    ("ask", {"action": "respond", "response": False}),
    ("typed", {"action": "respond", "response": {"name": "tea", "days": 3}}),
    ("draft", {"action": "edit", "output": '{"name": "tea"}'}),
    ("recovery", {"action": "retry"}),
    ("recovery", {"action": "edit", "output": ""}),
    ("flow", {"action": "outcome:yes", "feedback": "good"}),
    ("flow", {"action": "outcome:no"}),
    ("strange", {"action": "respond", "response": "anything"}),
]
NOT_TAKEN: list[tuple[str, dict[str, Any], ErrorCode, list[str]]] = [
    ("tool", {"action": "edit"}, ErrorCode.INVALID_OUTPUT, ["arguments"]),
    ("tool", {"action": "edit", "arguments": {"for": "Dimas"}}, ErrorCode.INVALID_OUTPUT, ["arguments"]),
    ("tool", {"action": "edit", "output": "{}"}, ErrorCode.BAD_FIELD, []),
    ("tool", {"action": "reject", "feedback": " "}, ErrorCode.NEEDS_FEEDBACK, []),
    ("ask", {"action": "respond"}, ErrorCode.NEEDS_FEEDBACK, []),
    ("ask", {"action": "respond", "response": "  "}, ErrorCode.NEEDS_FEEDBACK, []),
    ("ask", {"action": "approve"}, ErrorCode.NOT_OFFERED, []),
    ("ask", {"action": "stop", "response": "x"}, ErrorCode.BAD_FIELD, []),
    ("typed", {"action": "respond", "response": "tea"}, ErrorCode.INVALID_OUTPUT, ["response"]),
    ("typed", {"action": "respond", "response": {"days": 3}}, ErrorCode.INVALID_OUTPUT, ["response"]),
    ("typed", {"action": "respond", "response": {"name": 1, "days": 0}}, ErrorCode.INVALID_OUTPUT, ["name", "days"]),
    ("draft", {"action": "edit", "output": "tea"}, ErrorCode.INVALID_OUTPUT, ["output"]),
    ("draft", {"action": "edit", "output": '{"name": "tea", "days": 0}'}, ErrorCode.INVALID_OUTPUT, ["days"]),
    ("draft", {"action": "edit", "arguments": {}}, ErrorCode.BAD_FIELD, []),
    ("recovery", {"action": "edit"}, ErrorCode.INVALID_OUTPUT, ["output"]),
    ("flow", {"action": "respond", "response": ""}, ErrorCode.NEEDS_FEEDBACK, []),
    ("flow", {"action": "yes"}, ErrorCode.NOT_OFFERED, []),
]


@pytest.mark.parametrize(("name", "decision"), TAKEN)
def test_every_form_takes_its_answers(name: str, decision: dict[str, Any]) -> None:
    checkpoint.judge(form(name), Decision(**decision))


@pytest.mark.parametrize(("name", "decision", "code", "fields"), NOT_TAKEN)
def test_every_form_says_what_is_wrong(name: str, decision: dict[str, Any], code: ErrorCode, fields: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        checkpoint.judge(form(name), Decision(**decision))
    assert refused.value.code is code
    assert list(refused.value.detail.get("fields", {})) == fields


LARGE = {"enum": ["x" * 1000] * 70}
FAR = {"$ref": "http://127.0.0.1:9/schema.json"}


@pytest.mark.parametrize("schema", [LARGE, FAR], ids=["too large", "elsewhere"])
def test_a_schema_that_is_too_large_or_lies_elsewhere_checks_nothing(schema: dict[str, Any]) -> None:
    asked = msgspec.structs.replace(form("typed"), schema=schema)
    checkpoint.judge(asked, Decision(action="respond", response="anything"))


def test_of_many_misfits_the_first_are_told() -> None:
    asked = msgspec.structs.replace(form("typed"), schema={"type": "array", "items": {"type": "integer"}})
    with pytest.raises(Refused) as refused:
        checkpoint.judge(asked, Decision(action="respond", response=["x" * 2000] * 1000))
    fields = refused.value.detail["fields"]
    assert len(fields) == 20
    assert max(map(len, fields.values())) <= 300


def test_an_edit_of_arguments_is_told_as_a_diff() -> None:
    decision = Decision(action="edit", arguments={"to": "Dimas"})
    told = checkpoint.decided_event(form("tool"), decision, via="rest").diff
    assert told is not None
    assert told.splitlines()[-3:] == ['-  "to": "Rara"', '+  "to": "Dimas"', " }"]


def ask(version: int = 1, text: str = "one\ntwo", before: Record | None = None) -> tuple[Record, Change]:
    question = Question(
        step="t0/after", version=version, name="after_planning", kind="task.after", title="Plan", description="?",
        draft=Draft(text=text), actions=ACTIONS, task="plan",
    )  # fmt: skip
    ident = before.checkpoint.id if before else CheckpointId("cp_1")
    return checkpoint.opened(question, ident=ident, execution=ExecutionId("x_1"), at="2026-01-01", before=before)


REFUSALS: list[tuple[dict[str, Any], ErrorCode]] = [
    ({"action": "skip"}, ErrorCode.NOT_OFFERED),
    ({"action": ""}, ErrorCode.NOT_OFFERED),
    ({"action": "approved"}, ErrorCode.NOT_OFFERED),
    ({"action": "approve", "version": 2}, ErrorCode.STALE_VERSION),
    ({"action": "approve", "version": 0}, ErrorCode.STALE_VERSION),
    ({"action": "approve", "digest": "sha256:other"}, ErrorCode.STALE_DIGEST),
    ({"action": "revise"}, ErrorCode.NEEDS_FEEDBACK),
    ({"action": "revise", "feedback": "  "}, ErrorCode.NEEDS_FEEDBACK),
    ({"action": "edit"}, ErrorCode.INVALID_OUTPUT),
    ({"action": "edit", "output": " "}, ErrorCode.INVALID_OUTPUT),
    ({"action": "approve", "output": "text"}, ErrorCode.BAD_FIELD),
]


@pytest.mark.parametrize(("decision", "code"), REFUSALS)
def test_refusals(decision: dict[str, Any], code: ErrorCode) -> None:
    record, _ = ask()
    with pytest.raises(Refused) as refused:
        checkpoint.judge(record.checkpoint, Decision(**decision))
    assert refused.value.code is code


@pytest.mark.parametrize(
    "decision",
    [
        Decision(action="approve"),
        Decision(action="approve", version=1),
        Decision(action="edit", output="new"),
        Decision(action="revise", feedback="shorter"),
        Decision(action="stop"),
    ],
)
def test_what_is_offered_is_taken(decision: Decision) -> None:
    record, _ = ask()
    checkpoint.judge(record.checkpoint, decision)
    after, change = checkpoint.decided(record, decision, by=RARA, at="2026-01-02")
    assert change.expected == "open:1"
    assert after.checkpoint.history[-1].action == decision.action
    assert checkpoint.answer(after, 1) is not None


def test_the_second_decider_is_told_who_was_first() -> None:
    record, _ = ask()
    after, _ = checkpoint.decided(record, Decision(action="approve"), by=RARA, at="2026-01-02")
    with pytest.raises(Refused) as refused:
        checkpoint.judge(after.checkpoint, Decision(action="stop"))
    assert refused.value.code is ErrorCode.ALREADY_DECIDED
    assert refused.value.detail == {"by": RARA, "action": "approve", "at": "2026-01-02", "version": 1}


def test_the_digest_that_was_shown_is_accepted_and_changes_with_the_draft() -> None:
    record, _ = ask()
    checkpoint.judge(record.checkpoint, Decision(action="approve", digest=record.checkpoint.digest))
    assert ask(text="other")[0].checkpoint.digest != record.checkpoint.digest


def test_a_revision_goes_round_and_keeps_every_answer() -> None:
    record, change = ask()
    assert (change.expected, change.token) == ("", "open:1")
    for version in (1, 2, 3):
        decision = Decision(action="revise", feedback=f"round {version}")
        record, change = checkpoint.decided(record, decision, by=RARA, at="t")
        assert (change.expected, change.token) == (f"open:{version}", f"revising:{version}")
        record, change = ask(version + 1, before=record)
        assert (change.expected, change.token) == (f"revising:{version}", f"open:{version + 1}")
    answers = [checkpoint.answer(record, version) for version in (1, 2, 3)]
    assert [answer.feedback for answer in answers if answer] == ["round 1", "round 2", "round 3"]
    assert checkpoint.answer(record, 4) is None


def test_a_stored_record_reads_back_the_same() -> None:
    record, _ = checkpoint.decided(ask()[0], Decision(action="edit", output="x"), by=RARA, at="t")
    assert checkpoint.read(msgspec.json.encode(record)) == record


def test_an_edit_is_told_as_a_diff() -> None:
    record, _ = ask()
    event = checkpoint.decided_event(record.checkpoint, Decision(action="edit", output="one\nthree"), via="websocket")
    assert event.diff is not None
    assert event.diff.splitlines()[-2:] == ["-two", "+three"]


def test_what_was_open_when_the_execution_ended_is_withdrawn_and_never_decided() -> None:
    record, _ = ask()
    assert checkpoint.withdrawn(record.checkpoint).state is CheckpointState.WITHDRAWN
    after, _ = checkpoint.decided(record, Decision(action="approve"), by=RARA, at="t")
    assert checkpoint.withdrawn(after.checkpoint).state is CheckpointState.DECIDED
