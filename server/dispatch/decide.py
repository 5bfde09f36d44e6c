"""`decide`: one winner. The rules judge what was read; the commit applies it only if nothing has changed since."""

import time

from protocol.commands import Decide, Decision, Fork
from protocol.errors import ErrorCode, Refused
from protocol.frames import timestamp
from protocol.replies import Changed
from server import checkpoint, keys, telemetry
from server.auth import Principal
from server.checkpoint import Record
from server.dispatch.work import Work, changed, ended, fresh_key, unknown
from server.execution import ENDS, Verdict
from server.scripts import Commit
from server.store import Write

#: The record changes under us only when somebody does something at the same moment; more than this is a fault.
TRIES = 5


async def decide(work: Work, command: Decide, principal: Principal, via: str) -> Changed:
    """Answer a checkpoint, or say who did, or why it cannot be."""
    key = keys.within(principal.id, command.key) if command.key else fresh_key()
    first = await work.store.answered(command.execution, key)
    if first:
        return changed(first, duplicate=True)
    decision, began = decision_of(command), time.perf_counter()
    for _ in range(TRIES):
        record = await _record(work, command)
        checkpoint.judge(record.checkpoint, decision)
        commit = await _commit(work, command, decision, record, principal, via, key)
        if commit.verdict is Verdict.APPLIED:
            telemetry.DECISIONS.labels(command.action, via).inc()
            telemetry.DECISION_SECONDS.observe(time.perf_counter() - began)
            await work.hand_over(command.execution, commit)
            return changed(commit)
        if commit.verdict is Verdict.DUPLICATE:
            return changed(commit, duplicate=True)
    raise Refused(ErrorCode.CONFLICT, "The checkpoint keeps changing; look at it again.")


def decision_of(command: Decide | Fork) -> Decision:
    """Take the answer out of a command."""
    return Decision(
        action=command.action,
        version=command.version,
        feedback=command.feedback,
        output=command.output,
        arguments=command.arguments,
        response=command.response,
        digest=command.digest,
    )


async def _record(work: Work, command: Decide) -> Record:
    # in this order: what has ended by now was decided before, and the checkpoint says by whom
    holder = await work.store.holder(command.execution)
    record = await work.store.checkpoint(command.execution, command.checkpoint)
    if holder is None:
        raise unknown(command.execution)
    if record is None:
        raise Refused(ErrorCode.NOT_FOUND, f"The execution has no checkpoint {command.checkpoint}.")
    if holder.state in ENDS and not record.checkpoint.history:
        raise ended(holder.state)
    if holder.state in ENDS:
        raise checkpoint.already_decided(record.checkpoint)
    return record


async def _commit(
    work: Work, command: Decide, decision: Decision, record: Record, principal: Principal, via: str, key: str
) -> Commit:
    now = work.store.clock()
    after, change = checkpoint.decided(record, decision, by=principal.actor, at=timestamp(now))
    event = checkpoint.decided_event(record.checkpoint, decision, via=via)
    write = Write(data=event, by=principal.actor, now=now, key=key, change=change, record=after)
    return await work.store.commit(command.execution, write)
