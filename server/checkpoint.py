"""The rules of a checkpoint: what is stored of one, who may answer it how, and what an answer makes of it. Pure."""

import difflib
import hashlib

import msgspec
from msgspec import Struct

from protocol.commands import Decision
from protocol.errors import ErrorCode, Refused
from protocol.events import CheckpointDecided
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Actor, Checkpoint, CheckpointState, Judgement
from server.execution import Change
from server.runnable import Answer, Question

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
        digest=digest(question),
        opened_at=at,
        history=before.checkpoint.history if before else [],
    )
    expected = token(before.checkpoint) if before else ""
    decisions = before.decisions if before else {}
    record = Record(checkpoint=checkpoint, step=question.step, decisions=decisions)
    return record, Change(ident, expected, token(checkpoint))


def judge(checkpoint: Checkpoint, decision: Decision) -> None:
    """Check that this decision may be taken now, or raise `Refused` with the reason."""
    if checkpoint.state is not C.OPEN:
        raise already_decided(checkpoint)
    if decision.version is not None and decision.version != checkpoint.version:
        raise Refused(
            ErrorCode.STALE_VERSION,
            f"The draft is now version {checkpoint.version}; version {decision.version} was judged.",
            version=checkpoint.version,
        )
    if decision.digest is not None and decision.digest != checkpoint.digest:
        raise Refused(ErrorCode.STALE_DIGEST, "What would be approved is not what was shown.")
    _offered(checkpoint, decision)


def _offered(checkpoint: Checkpoint, decision: Decision) -> None:
    action = next((action for action in checkpoint.actions if action.id == decision.action), None)
    if action is None:
        offered = [action.id for action in checkpoint.actions]
        raise Refused(
            ErrorCode.NOT_OFFERED,
            f"This checkpoint offers {', '.join(offered)}, not {decision.action!r}.",
            actions=offered,
        )
    if action.needs_feedback and not (decision.feedback or "").strip():
        raise Refused(ErrorCode.NEEDS_FEEDBACK, f"{action.label} needs a note: say in `feedback` what should change.")
    if decision.action == "edit" and not (decision.output or "").strip():
        fields = {"output": "empty"}
        raise Refused(ErrorCode.INVALID_OUTPUT, "An edit needs the edited text in `output`.", fields=fields)
    if decision.output is not None and decision.action != "edit":
        raise Refused(ErrorCode.BAD_FIELD, f"`output` goes with `edit`, not with {decision.action!r}.")


def already_decided(checkpoint: Checkpoint) -> Refused:
    """Say who was first."""
    if not checkpoint.history:
        return Refused(ErrorCode.CONFLICT, f"This checkpoint is {checkpoint.state}.", state=checkpoint.state)
    last = checkpoint.history[-1]
    who = last.by.name if last.by else "Somebody"
    return Refused(
        ErrorCode.ALREADY_DECIDED,
        f"{who} decided first: {last.action}.",
        by=last.by,
        action=last.action,
        at=last.at,
        version=last.version,
    )


def decided(record: Record, decision: Decision, *, by: Actor, at: str) -> tuple[Record, Change]:
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
        diff=diff(checkpoint.draft.text, decision.output) if decision.output is not None else None,
        response=decision.response,
    )


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
