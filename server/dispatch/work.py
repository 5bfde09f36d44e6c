"""What the commands share, and the two that need nothing else: cancel and get."""

import secrets
from dataclasses import dataclass

from protocol.commands import Cancel, Pause, Resume
from protocol.errors import ErrorCode, Refused
from protocol.events import Data, ExecutionCancelled, ExecutionPaused, ExecutionResumed
from protocol.ids import ExecutionId
from protocol.objects import State
from protocol.replies import Changed, Read
from server.auth import Principal
from server.catalogue import Catalogue
from server.execution import ENDS, Verdict
from server.queue import Queue
from server.scripts import Commit
from server.store import Outbox, Store, Workers, Write
from server.webhooks.subscriptions import Subscriptions


@dataclass(frozen=True)
class Work:
    """What commands work with."""

    store: Store
    workers: Workers
    catalogue: Catalogue
    queue: Queue
    outbox: Outbox
    webhooks: Subscriptions

    async def cancel(self, command: Cancel, principal: Principal) -> Changed:
        """End an execution at once, wherever it is; whoever runs it finds its lease gone."""
        return changed(await self._steer(command.execution, ExecutionCancelled(reason=command.reason), principal))

    async def pause(self, command: Pause, principal: Principal) -> Changed:
        """Have an execution rest; a worker that runs it ends what is in flight, and goes no further."""
        return changed(await self._steer(command.execution, ExecutionPaused(reason=command.reason), principal))

    async def resume(self, command: Resume, principal: Principal) -> Changed:
        """Have a paused execution go on: where its worker still has it, or with any."""
        holder = await self.store.holder(command.execution)
        if holder is not None and holder.state not in (*ENDS, State.PAUSED):
            raise Refused(ErrorCode.CONFLICT, f"The execution is {holder.state}, not paused.", state=holder.state)
        commit = await self._steer(command.execution, ExecutionResumed(reason=command.reason), principal)
        await self.hand_over(command.execution, commit)
        return changed(commit)

    async def _steer(self, execution: ExecutionId, data: Data, principal: Principal) -> Commit:
        commit = await self.store.commit(execution, Write(data=data, by=principal.actor, key=fresh_key()))
        if commit.verdict not in (Verdict.APPLIED, Verdict.DUPLICATE):
            raise refused(commit, execution)
        return commit

    async def hand_over(self, execution: ExecutionId, commit: Commit) -> None:
        """Have somebody go on with an execution. A worker that holds it was woken by the commit itself."""
        await self.store.look_after(execution, 0)
        if not commit.owner or not await self.workers.lives(commit.owner):
            await self.queue.advance(self.store.member(execution), commit.offset)

    async def get(self, execution: ExecutionId) -> Read:
        """Read an execution and its checkpoints."""
        view = await self.store.view(execution)
        if view is None:
            raise unknown(execution)
        return Read(execution=view[0], checkpoints=view[1])


def fresh_key() -> str:
    """Make a key for a command that brought none, so that it can be sent again after a lost connection."""
    return f"command:{secrets.token_hex(8)}"


def changed(commit: Commit, *, duplicate: bool = False) -> Changed:
    """Say what a commit did."""
    assert commit.state is not None, "an applied event leaves a state"
    return Changed(offset=commit.offset, state=commit.state, duplicate=duplicate)


def unknown(execution: ExecutionId) -> Refused:
    """Say that there is no such execution; what is somebody else's is answered in the same words."""
    return Refused(ErrorCode.NOT_FOUND, f"There is no execution {execution}.")


def refused(commit: Commit, execution: ExecutionId) -> Refused:
    """Say why an event was not applied."""
    if commit.state is None:
        return unknown(execution)
    if commit.state not in ENDS:
        return Refused(ErrorCode.CONFLICT, f"The execution is {commit.state} already.", state=commit.state)
    return ended(commit.state)


def ended(state: State) -> Refused:
    """Say that it is too late."""
    return Refused(ErrorCode.ENDED, f"The execution is {state} already.", state=state)
