"""What a fork shares: which steps of a journal, and what a log's events are in it."""

import itertools

import pytest

from protocol.commands import Decision
from protocol.events import (
    CheckpointCommented,
    CheckpointExpired,
    CheckpointOpened,
    CheckpointWithdrawn,
    Data,
    Event,
    ExecutionQueued,
    ExecutionStarted,
)
from protocol.events.base import EventType
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Actor, CheckpointState, Draft, Origin
from server import checkpoint
from server.checkpoint import Record
from server.runnable import Kind, Question
from server.store.retelling import Retelling, Untellable, shared_steps

RARA = Actor(id="rara", name="Rara")
ORIGINAL, FORK = ExecutionId("x_1"), ExecutionId("x_2")


def asked(step: str = "t0/after", ident: str = "cp_1", kind: Kind = "task.after") -> Record:
    question = Question(
        step=step, version=1, name="n", kind=kind, title="?", description="", draft=Draft(text=""), actions=()
    )
    record, _ = checkpoint.opened(
        question, ident=CheckpointId(ident), execution=ORIGINAL, at="2026-01-01T00:00:00.000Z", before=None
    )
    return record


STEPS = {"plan": b"2:a", "t0/draft/1": b"4:b", "t0/output": b"6:c", "worked": b"5:1"}
TOOL, DONE = {"t0/tool.a.0/started": b"3:1"}, {"t0/tool.a.0": b"7:done"}
LEFT = {"t0/tool.a.0/left": b"3:1"}
INSIDE, RECOVERY = asked("t0/tool.a.0/ask.0"), asked("t0/tool.a.0/recovery/1", kind="recovery")
SHARED: list[tuple[str, dict[str, bytes], list[Record], dict[str, bytes]]] = [
    ("what was recorded by then", STEPS, [asked()], {"plan": b"2:a", "t0/draft/1": b"4:b"}),
    ("a tool at work beside it, which ended", TOOL | DONE, [asked()], TOOL | DONE),
    ("a tool at work beside it, of which nothing is known", TOOL, [asked()], TOOL),
    ("a tool that asks inside", TOOL | DONE, [INSIDE], TOOL | LEFT),
    ("a tool that nobody knows of", TOOL | DONE, [RECOVERY], TOOL),
    ("a tool that began later", {"t0/tool.a.0/started": b"5:1"} | DONE, [asked()], {}),
    ("a method that began", {"m.0/started": b"3:"}, [asked("m.0/feedback")], {"m.0/started": b"3:"}),
    ("a tool whose name begins like another's", TOOL, [asked("t0/tool.a.01/ask.0")], TOOL),
]


@pytest.mark.parametrize(("stored", "waiting", "expected"), [row[1:] for row in SHARED], ids=[row[0] for row in SHARED])
def test_shared_steps(stored: dict[str, bytes], waiting: list[Record], expected: dict[str, bytes]) -> None:
    assert shared_steps(stored, 4, waiting) == expected


QUEUED = ExecutionQueued(crew="c", title="t", inputs={"a": 1}, checkpoints=[], tasks=[])
STARTED = ExecutionStarted(worker="w", attempt=1)


def retelling(*records: Record) -> Retelling:
    names = (CheckpointId(f"cp_new_{number}") for number in itertools.count(1))
    origin = Origin(execution=ORIGINAL, checkpoint=CheckpointId("cp_1"), offset=3)
    return Retelling(FORK, origin, RARA, records, lambda: next(names))


def tell(told: Retelling, *data: Data) -> list[Data]:
    events = [
        Event(execution=ORIGINAL, epoch="e", offset=offset, at="2026-01-01T00:00:00.000Z", data=each)
        for offset, each in enumerate(data, 1)
    ]
    return [told.take(event).data for event in events]


def test_checkpoints_have_new_names_and_say_so_everywhere() -> None:
    record = asked()
    comment = CheckpointCommented(checkpoint=CheckpointId("cp_1"), text="hm")
    told = tell(retelling(record), QUEUED, STARTED, CheckpointOpened(checkpoint=record.checkpoint), comment)
    opened, commented = told[2:]
    assert isinstance(opened, CheckpointOpened)
    assert (opened.checkpoint.id, opened.checkpoint.execution) == ("cp_new_1", FORK)
    assert commented == CheckpointCommented(checkpoint=CheckpointId("cp_new_1"), text="hm")
    queued = told[0]
    assert isinstance(queued, ExecutionQueued)
    assert queued.forked_from == Origin(execution=ORIGINAL, checkpoint=CheckpointId("cp_1"), offset=3)


@pytest.mark.parametrize(
    ("closing", "state"),
    [
        (CheckpointExpired(checkpoint=CheckpointId("cp_2"), outcome="stop"), CheckpointState.EXPIRED),
        (CheckpointWithdrawn(checkpoint=CheckpointId("cp_2")), CheckpointState.WITHDRAWN),
    ],
)
def test_what_closed_without_an_answer_is_closed_in_the_fork(closing: Data, state: CheckpointState) -> None:
    first, other = asked(), asked("t1/after", "cp_2")
    told = retelling(first, other)
    openings = [CheckpointOpened(checkpoint=record.checkpoint) for record in (other, first)]
    tell(told, QUEUED, STARTED, *openings, closing)
    assert [record.checkpoint.id for record in told.open] == ["cp_new_1"]
    assert told.records[CheckpointId("cp_2")].checkpoint.state is state


def test_the_end_is_a_rest_and_the_new_answer() -> None:
    record = asked()
    told = retelling(record)
    tell(told, QUEUED, STARTED, CheckpointOpened(checkpoint=record.checkpoint))
    writes = told.end(Decision(action="approve"), via="rest", now=1.0)
    assert [write.data.type for write in writes] == [EventType.EXECUTION_PARKED, EventType.CHECKPOINT_DECIDED]
    assert writes[1].record == told.record
    assert told.open == []


def test_a_log_that_breaks_the_rules_is_not_told_again() -> None:
    record = asked()
    opened = CheckpointOpened(checkpoint=record.checkpoint)
    for records, data in (([record], [STARTED]), ([record], [QUEUED, opened]), ([], [QUEUED, STARTED, opened])):
        with pytest.raises(Untellable):
            tell(retelling(*records), *data)
