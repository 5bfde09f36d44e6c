"""May they? The table of `server/policy.py`, and whose execution it is."""

from protocol.commands import AnyCommand
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server import policy
from server.auth import Principal
from server.dispatch.work import unknown
from server.policy import Verdict
from server.store import Store


def check_roles(command: AnyCommand, principal: Principal) -> None:
    """Refuse a command that the principal's roles alone do not allow."""
    if (verdict := policy.judge(principal, policy.name_of(command))) is not Verdict.ALLOWED:
        raise _refusal(command, verdict)


async def check(store: Store, command: AnyCommand, principal: Principal) -> None:
    """Refuse a command that neither the principal's roles allow, nor that the execution is theirs.

    `store` is that of their tenant, so that what belongs to another does not exist.
    """
    verdict = policy.judge(principal, policy.name_of(command))
    execution = _execution_of(command)
    if verdict is Verdict.OWNER and execution is not None:
        owner = await store.owner(execution)
        verdict = {None: Verdict.HIDDEN, principal.id: Verdict.ALLOWED}.get(owner, Verdict.FORBIDDEN)
    if verdict is not Verdict.ALLOWED:
        raise _refusal(command, verdict)


def _execution_of(command: AnyCommand) -> ExecutionId | None:
    return getattr(command, "execution", None)


def _refusal(command: AnyCommand, verdict: Verdict) -> Refused:
    execution = _execution_of(command)
    if verdict is Verdict.HIDDEN and execution is not None:
        return unknown(execution)
    name = policy.name_of(command)
    return Refused(ErrorCode.FORBIDDEN, policy.needs(name), roles=policy.needed(name))
