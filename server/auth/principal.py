"""A person or a program that speaks to the server."""

from dataclasses import dataclass
from enum import StrEnum

from protocol.objects import Actor
from server import keys


class Role(StrEnum):
    """What somebody may do in their tenant; `server/policy.py` says what each means."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a program, the tenant whose executions it may see, and what it may do there."""

    id: str
    name: str
    tenant: str
    roles: frozenset[Role] = frozenset()

    @property
    def subject(self) -> str:
        """The principal's name among those of all tenants."""
        return f"{self.tenant}/{self.id}"

    @property
    def actor(self) -> Actor:
        """The principal as events show it."""
        return Actor(id=self.id, name=self.name)


@dataclass(frozen=True, slots=True)
class Session:
    """A principal for as long as its proof holds: until `ends`, in Unix seconds, and while its API key is not revoked.

    `apikey`: the digest of the key that it was proved by, if it was one.
    """

    principal: Principal
    ends: float | None = None
    apikey: str = ""


#: Everybody, in open mode.
OPEN = Principal("local", "You", keys.OPEN_TENANT, frozenset({Role.ADMIN}))
