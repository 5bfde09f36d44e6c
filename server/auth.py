"""Who speaks: the principal that every command carries."""

from dataclasses import dataclass

from protocol.objects import Actor
from server import keys


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a program, and the tenant whose executions it may see."""

    id: str
    name: str
    tenant: str

    @property
    def actor(self) -> Actor:
        """The principal as events show it."""
        return Actor(id=self.id, name=self.name)


#: Everybody, in open mode.
OPEN = Principal("local", "You", keys.OPEN_TENANT)
