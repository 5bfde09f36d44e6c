"""The rules of a checkpoint: what is stored of one, how it may be answered, and what an answer makes of it. Pure.

`judgement` says which answers are taken, `fit` whether what they carry fits a schema.
"""

import difflib
import hashlib
import json

import msgspec
from msgspec import Struct

from protocol.commands import Decision
from protocol.events import CheckpointDecided, CheckpointExpired
from protocol.frames import seconds_of, timestamp
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Actor, Checkpoint, CheckpointState, Judgement
from server.checkpoint.judgement import already_decided, judge
from server.execution import Change
from server.runnable import Answer, Question

__all__ = [
    "Record", "already_decided", "answer", "asked", "decided", "decided_event", "diff", "digest", "expired",
    "extended", "judge", "opened", "over", "read", "token", "withdrawn",
]  # fmt: skip

C = CheckpointState


class Record(Struct, frozen=True, kw_only=True):
    """What is stored of a checkpoint: what everybody sees, the crew's name for the place, the answer per version."""

    checkpoint: Checkpoint
    step: str
    decisions: dict[int, Decision] = {}


def token(checkpoint: Checkpoint) -> str:
    """Write the state and version that the commit script compares."""
    return f"{checkpoint.state}:{checkpoint.version}"


def digest(question: Question) -> str:
    """Fingerprint what would be approved, so that a client can prove what it showed."""
    shown = msgspec.json.encode([question.step, question.version, question.draft, question.tool], order="sorted")
    return f"sha256:{hashlib.sha256(shown).hexdigest()}"


def opened(
    question: Question, *, ident: CheckpointId, execution: ExecutionId, at: str, before: Record | None
) -> tuple[Record, Change]:
    """Make the record of a question that is asked; `before` is the record of its previous version."""
    checkpoint = Checkpoint(
        id=ident,
        execution=execution,
        name=question.name,
        kind=question.kind,
        state=C.OPEN,
        version=question.version,
        title=question.title,
        description=question.description,
        task=question.task,
        agent=question.agent,
        draft=question.draft,
        facts=dict(question.facts),
        actions=list(question.actions),
        tool=question.tool,
        schema=dict(question.schema) if question.schema is not None else None,
        deadline=None if question.seconds is None else timestamp(seconds_of(at) + question.seconds),
        on_deadline=question.on_deadline,
        digest=digest(question),
        opened_at=at,
        history=before.checkpoint.history if before else [],
    )
    return asked(checkpoint, question.step, before)


def asked(checkpoint: Checkpoint, step: str, before: Record | None) -> tuple[Record, Change]:
    """Make the record of an open checkpoint; `before` is that of its previous version."""
    expected = token(before.checkpoint) if before else ""
    record = Record(checkpoint=checkpoint, step=step, decisions=before.decisions if before else {})
    return record, Change(checkpoint.id, expected, token(checkpoint))


def over(record: Record, state: CheckpointState) -> tuple[Record, Change]:
    """Make the record of a checkpoint that ends without an answer: expired, or withdrawn."""
    after = msgspec.structs.replace(record.checkpoint, state=state)
    change = Change(after.id, token(record.checkpoint), token(after))
    return msgspec.structs.replace(record, checkpoint=after), change


def extended(record: Record, deadline: str) -> tuple[Record, Change]:
    """Make the record of an open checkpoint that has another deadline."""
    after = msgspec.structs.replace(record.checkpoint, deadline=deadline)
    same = token(after)
    return msgspec.structs.replace(record, checkpoint=after), Change(after.id, same, same)


def expired(record: Record, *, at: str) -> tuple[Record, Change, CheckpointExpired] | None:
    """Make the record of a checkpoint whose time is over, with what its author wrote out for that as the answer.

    Nothing when it is not open, not due, or when nothing was written out: silence alone never answers.
    """
    before = record.checkpoint
    outcome = before.on_deadline
    if before.state is not C.OPEN or outcome is None or before.deadline is None or at < before.deadline:
        return None
    entry = Judgement(version=before.version, action=outcome, at=at)
    after = msgspec.structs.replace(before, state=C.EXPIRED, history=[*before.history, entry])
    decisions = {**record.decisions, before.version: Decision(action=outcome)}
    stored = msgspec.structs.replace(record, checkpoint=after, decisions=decisions)
    change = Change(before.id, token(before), token(after))
    return stored, change, CheckpointExpired(checkpoint=before.id, outcome=outcome)


def decided(record: Record, decision: Decision, *, by: Actor | None, at: str) -> tuple[Record, Change]:
    """Make the record of a checkpoint that this decision answers."""
    before = record.checkpoint
    state = C.REVISING if decision.action == "revise" else C.DECIDED
    entry = Judgement(version=before.version, action=decision.action, by=by, at=at, feedback=decision.feedback)
    after = msgspec.structs.replace(before, state=state, history=[*before.history, entry])
    change = Change(before.id, token(before), token(after))
    decisions = {**record.decisions, before.version: decision}
    return msgspec.structs.replace(record, checkpoint=after, decisions=decisions), change


def decided_event(checkpoint: Checkpoint, decision: Decision, *, via: str) -> CheckpointDecided:
    """Make the event that tells everybody; an edit is told as a unified diff."""
    return CheckpointDecided(
        checkpoint=checkpoint.id,
        name=checkpoint.name,
        version=checkpoint.version,
        action=decision.action,
        via=via,
        feedback=decision.feedback,
        diff=_edit(checkpoint, decision),
        response=decision.response,
    )


def _edit(checkpoint: Checkpoint, decision: Decision) -> str | None:
    if decision.arguments is not None and checkpoint.tool is not None:
        return diff(_pretty(checkpoint.tool.arguments), _pretty(decision.arguments))
    return diff(checkpoint.draft.text, decision.output) if decision.output is not None else None


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def diff(before: str, after: str) -> str:
    """Write the change from one text to another as a unified diff."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "draft", "edited", lineterm="")
    return "\n".join(lines)


def answer(record: Record, version: int) -> Answer | None:
    """Give the answer to this version of a checkpoint, if there is one."""
    decision = record.decisions.get(version)
    if decision is None:
        return None
    return Answer(
        checkpoint=record.checkpoint.id,
        version=version,
        action=decision.action,
        feedback=decision.feedback,
        output=decision.output,
        arguments=decision.arguments,
        response=decision.response,
        by=next((entry.by for entry in record.checkpoint.history if entry.version == version), None),
    )


def withdrawn(checkpoint: Checkpoint) -> Checkpoint:
    """Show a checkpoint that was open when its execution ended."""
    if checkpoint.state in (C.OPEN, C.REVISING):
        return msgspec.structs.replace(checkpoint, state=C.WITHDRAWN)
    return checkpoint


def read(raw: bytes) -> Record:
    """Read a stored record."""
    return _records.decode(raw)


_records: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
