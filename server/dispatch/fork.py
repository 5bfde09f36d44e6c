"""`fork`: a new execution that shares an original's work up to a checkpoint, and answers that checkpoint otherwise."""

from protocol.commands import Fork
from protocol.errors import ErrorCode, Refused
from protocol.events import ExecutionQueued
from protocol.ids import ExecutionId, new_execution
from protocol.replies import Started
from server import checkpoint
from server.auth import Principal
from server.dispatch.decide import decision_of
from server.dispatch.work import Work, unknown
from server.store import Shared, TooLong, Untellable
from server.store.forks import MOST_EVENTS
from server.webhooks.subscriptions import Endpoint, inherited

#: The decision's event, behind the one that opened the checkpoint: the fork is parked in between.
BEHIND = 2


async def fork(work: Work, command: Fork, principal: Principal, via: str) -> Started:
    """Make the fork and have it run; the original stays as it is. The same key makes it once."""
    execution = await _identify(work, command, principal)
    if command.key and (first := await _made(work, execution)):
        return first
    version = await _version(work, command)
    shared = await _share(work, command, version, execution, principal)
    checkpoint.judge(shared.record.checkpoint, decision_of(command))
    crew = shared.writes[0].data
    assert isinstance(crew, ExecutionQueued), "a log begins so"
    hooks = work.webhooks.fields(crew.crew, await _webhooks(work, command))
    commit = await work.store.fork(shared, decision_of(command), via=via, hooks=hooks)
    made = await _made(work, execution, duplicate=bool(command.key) and commit is None)
    if made is None:
        raise Refused(ErrorCode.UNAVAILABLE, "Redis was lost while the fork was made; try again.", retry_after=1.0)
    if commit is not None:
        await work.hand_over(execution, commit)
    return made


async def _webhooks(work: Work, command: Fork) -> list[Endpoint]:
    """Check the webhooks that the command names, else find those that the original's requests brought."""
    if command.webhooks is not None:
        return work.webhooks.asked(command.webhooks)
    return inherited(await work.store.row(command.execution) or {})


async def _identify(work: Work, command: Fork, principal: Principal) -> ExecutionId:
    execution = new_execution()
    if command.key is None:
        return execution
    return await work.store.remember_fork(principal.id, command.execution, command.key, execution)


async def _made(work: Work, execution: ExecutionId, *, duplicate: bool = True) -> Started | None:
    """Tell of a fork that is there."""
    view = await work.store.view(execution)
    origin = view[0].forked_from if view else None
    if view is None or origin is None:
        return None
    return Started(
        execution=execution, epoch=view[0].epoch, offset=origin.offset + BEHIND, duplicate=duplicate
    )  # fmt: skip


async def _version(work: Work, command: Fork) -> int:
    """Find which version of the checkpoint is meant, and whether its crew still runs."""
    holder = await work.store.holder(command.execution)
    if holder is None:
        raise unknown(command.execution)
    await work.catalogue.crew(holder.crew)
    record = await work.store.checkpoint(command.execution, command.checkpoint)
    if record is None:
        raise Refused(ErrorCode.NOT_FOUND, f"The execution has no checkpoint {command.checkpoint}.")
    last = record.checkpoint.version
    version = last if command.version is None else command.version
    if not 1 <= version <= last:
        raise Refused(
            ErrorCode.STALE_VERSION, f"The checkpoint has versions 1 to {last}, and no {version}.", version=last
        )
    return version


async def _share(work: Work, command: Fork, version: int, fork: ExecutionId, principal: Principal) -> Shared:
    try:
        shared = await work.store.share(command.execution, command.checkpoint, version, fork=fork, by=principal.actor)
    except TooLong:
        raise Refused(
            ErrorCode.OVER_QUOTA,
            f"More than {MOST_EVENTS:,} events, or 32 MB of them, lie before that checkpoint: too much to share.",
            limit=MOST_EVENTS,
        ) from None
    except Untellable as error:
        raise Refused(
            ErrorCode.CONFLICT, f"The execution's log cannot be shared by this version of the server: {error}."
        ) from error
    if shared is None:
        raise Refused(ErrorCode.NOT_FOUND, f"The execution's log no longer has {command.checkpoint}.")
    return shared
