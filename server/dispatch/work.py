"""What the commands share, and the two that need nothing else: cancel and get."""

import secrets
from dataclasses import dataclass

from protocol.commands import Cancel
from protocol.errors import ErrorCode, Refused
from protocol.events import ExecutionCancelled
from protocol.ids import ExecutionId
from protocol.objects import State
from server.auth import Principal
from server.catalogue import Catalogue
from server.dispatch.replies import Changed, Read
from server.execution import Verdict
from server.queue import Queue
from server.scripts import Commit
from server.store import Store, Workers, Write


@dataclass(frozen=True)
class Work:
    """What commands work with."""

    store: Store
    workers: Workers
    catalogue: Catalogue
    queue: Queue

    async def cancel(self, command: Cancel, principal: Principal) -> Changed:
        """End an execution at once, wherever it is; whoever runs it finds its lease gone."""
        write = Write(data=ExecutionCancelled(reason=command.reason), by=principal.actor, key=fresh_key())
        commit = await self.store.commit(command.execution, write)
        if commit.verdict not in (Verdict.APPLIED, Verdict.DUPLICATE):
            raise refused(commit, command.execution)
        return changed(commit)

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
    return ended(commit.state)


def ended(state: State) -> Refused:
    """Say that it is too late."""
    return Refused(ErrorCode.ENDED, f"The execution is {state} already.", state=state)
