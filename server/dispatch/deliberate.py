"""`comment` and `extend`: what people do at an open checkpoint short of an answer."""

from protocol.commands import Comment, Extend
from protocol.errors import ErrorCode, Refused
from protocol.events import CheckpointCommented, CheckpointExtended
from protocol.frames import seconds_of, timestamp
from protocol.ids import CheckpointId, ExecutionId
from protocol.replies import Extended, Noted
from server import checkpoint, keys
from server.auth import Principal
from server.checkpoint import Record
from server.dispatch.work import Work, ended, fresh_key, unknown
from server.execution import ENDS, Verdict
from server.store import Write

#: Somebody may decide, or extend, at the same moment; more than so many in a row is a fault.
TRIES = 5


async def comment(work: Work, command: Comment, principal: Principal) -> Noted:
    """Say something to everybody who looks at a checkpoint. The same key says it once."""
    key = keys.within(principal.id, command.key) if command.key else fresh_key()
    if first := await work.store.answered(command.execution, key):
        return Noted(offset=first.offset, duplicate=True)
    await open_record(work, command.execution, command.checkpoint)
    event = CheckpointCommented(checkpoint=command.checkpoint, text=command.text)
    commit = await work.store.commit(command.execution, Write(data=event, by=principal.actor, key=key))
    if commit.verdict not in (Verdict.APPLIED, Verdict.DUPLICATE):
        raise Refused(ErrorCode.CONFLICT, "The execution does not wait any more.", state=commit.state)
    return Noted(offset=commit.offset, duplicate=commit.verdict is Verdict.DUPLICATE)


async def extend(work: Work, command: Extend, principal: Principal) -> Extended:
    """Give people more time."""
    for _ in range(TRIES):
        record = await open_record(work, command.execution, command.checkpoint)
        if record.checkpoint.deadline is None:
            raise Refused(ErrorCode.CONFLICT, "This checkpoint has no deadline: it waits for as long as it takes.")
        now = work.store.clock()
        deadline = timestamp(max(now, seconds_of(record.checkpoint.deadline)) + command.seconds)
        after, change = checkpoint.extended(record, deadline)
        event = CheckpointExtended(checkpoint=command.checkpoint, deadline=deadline)
        write = Write(data=event, by=principal.actor, now=now, key=fresh_key(), change=change, record=after)
        commit = await work.store.commit(command.execution, write)
        if commit.verdict in (Verdict.APPLIED, Verdict.DUPLICATE):
            return Extended(deadline=deadline, offset=commit.offset)
    raise Refused(ErrorCode.CONFLICT, "The checkpoint keeps changing; look at it again.")


async def open_record(work: Work, execution: ExecutionId, ident: CheckpointId) -> Record:
    """Read a checkpoint that waits for an answer, or say why it does not."""
    # in this order: what has ended by now was decided before, and the checkpoint says by whom
    holder, record = await work.store.holder(execution), await work.store.checkpoint(execution, ident)
    if holder is None:
        raise unknown(execution)
    if record is None:
        raise Refused(ErrorCode.NOT_FOUND, f"The execution has no checkpoint {ident}.")
    if record.checkpoint.state is not checkpoint.C.OPEN and record.checkpoint.history:
        raise checkpoint.already_decided(record.checkpoint)
    if holder.state in ENDS:
        raise ended(holder.state)
    if record.checkpoint.state is not checkpoint.C.OPEN:
        raise Refused(ErrorCode.CONFLICT, f"The checkpoint is {record.checkpoint.state}.")
    return record
