"""Who may do what: one table for all doors. Pure.

Tenants are walls: nobody sees or touches what belongs to another tenant, and no role changes that. Within a tenant
work is the team's: everybody with a role sees every execution. Without a role one sees nothing, not even one's own.

| may | viewer | operator | approver | admin | owner |
|---|---|---|---|---|---|
| list | yes | yes | yes | yes | |
| get, watch, view, deliveries | yes | yes | yes | yes | yes |
| start, fork, say | | yes | | yes | |
| cancel, pause, resume, resend | | | | yes | yes |
| decide, comment, extend | | | yes | yes | yes |

The owner is who started, or forked, the execution, for as long as they have any role at all. So an operator ends and
answers what they started themselves, an approver answers everything and starts nothing, and who is to do both has
both roles. That owners answer their own questions is what a team of one needs; where a second pair of eyes must look,
let a program start the work for people who are viewers or approvers. A fork is a start: it answers an old question in
a new execution that belongs to whoever forks, and leaves the original as it is.

What one may not see is answered as what does not exist. What one may see and not touch is `forbidden`, and the refusal
says which role it takes.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from protocol.commands import AnyCommand
from protocol.objects import Rights
from server.auth import Principal, Role

ALL = frozenset(Role)
#: Commands that need nobody's leave: they tell nothing, and change nothing but the connection.
FREE = frozenset({"auth", "unwatch", "ping", "pong"})
#: The roles by which a command is allowed, whoever owns what it is about.
ROLES: Mapping[str, frozenset[Role]] = {
    **dict.fromkeys(("list", "get", "watch", "view", "deliveries"), ALL),
    **dict.fromkeys(("start", "fork", "say"), frozenset({Role.OPERATOR, Role.ADMIN})),
    **dict.fromkeys(("cancel", "pause", "resume", "resend"), frozenset({Role.ADMIN})),
    **dict.fromkeys(("decide", "comment", "extend"), frozenset({Role.APPROVER, Role.ADMIN})),
}
#: Commands that the owner of an execution may give as well.
OWNERS = frozenset({
    "get", "watch", "view", "deliveries", "cancel", "pause", "resume", "resend", "decide", "comment", "extend",
})  # fmt: skip


class Verdict(Enum):
    """What the table says."""

    ALLOWED = "allowed"
    #: Allowed to the owner of the execution only.
    OWNER = "owner"
    FORBIDDEN = "forbidden"
    #: Nothing here is theirs to see.
    HIDDEN = "hidden"


def name_of(command: AnyCommand) -> str:
    """Name a command as the wire does."""
    return str(command.__struct_config__.tag)


def judge(principal: Principal, name: str) -> Verdict:
    """Tell whether a principal may give the command of that name; an unknown name is forbidden."""
    if name in FREE:
        return Verdict.ALLOWED
    if not principal.roles:
        return Verdict.HIDDEN
    if principal.roles & ROLES.get(name, frozenset()):
        return Verdict.ALLOWED
    return Verdict.OWNER if name in OWNERS else Verdict.FORBIDDEN


def rights(principal: Principal) -> Rights:
    """List the commands that a principal may give about any execution of its tenant, and about its own only."""
    found: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    for name in ROLES:
        found[judge(principal, name)].append(name)
    return Rights(any=found[Verdict.ALLOWED], own=found[Verdict.OWNER])


def needed(name: str) -> Sequence[Role]:
    """List the roles that a command takes, the least one first."""
    return [role for role in Role if role in ROLES.get(name, {Role.ADMIN})]


def needs(name: str) -> str:
    """Say which role a command takes."""
    roles = " or ".join(f"`{role}`" for role in needed(name))
    yours = ", or that the execution is yours" if name in OWNERS else ""
    return f"`{name}` needs the role {roles}{yours}."
