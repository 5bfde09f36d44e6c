"""Every key and channel in Redis, one function each.

All keys of one execution share the hash tag `{tenant:execution}`, so that one script may touch them in Cluster.
"""

from typing import NamedTuple
from urllib.parse import quote

from protocol.ids import ExecutionId

#: The tenant of open mode, where nobody is told apart.
OPEN_TENANT = "open"
#: Fields of an execution's state: the webhooks that hear of an event, and a webhook that a request brought.
HOOKS, HOOK = "hooks:", "hook:"


class ExecutionKeys(NamedTuple):
    """The keys of one execution, in the order that the scripts take them."""

    state: str
    log: str
    checkpoints: str
    journal: str
    keys: str
    deliveries: str


def execution(tenant: str, ident: ExecutionId) -> ExecutionKeys:
    """Name the keys of an execution."""
    tag = f"qd:{{{tenant}:{ident}}}"
    parts = ("state", "log", "checkpoints", "journal", "keys", "deliveries")
    return ExecutionKeys(*(f"{tag}:{part}" for part in parts))


def channel(tenant: str, ident: ExecutionId) -> str:
    """Name the channel that an execution's events and deltas are published on."""
    return f"qd:{{{tenant}:{ident}}}"


def viewers(tenant: str, ident: ExecutionId) -> str:
    """Name the hash of who looks at an execution's checkpoints now; it runs out when nobody does."""
    return f"qd:{{{tenant}:{ident}}}:viewers"


def inbox(tenant: str) -> str:
    """Name the sorted set, and the channel, of a tenant's open checkpoints."""
    return f"qd:{{{tenant}}}:inbox"


def decided(tenant: str) -> str:
    """Name the sorted set of checkpoints that were decided lately, scored by when, in milliseconds."""
    return f"qd:{{{tenant}}}:decided"


def executions(tenant: str) -> str:
    """Name the sorted set of a tenant's executions, scored by when they were made, in milliseconds."""
    return f"qd:{{{tenant}}}:executions"


def conversation(tenant: str, ident: str) -> str:
    """Name the sorted set of a conversation's executions, scored in the same way."""
    return f"qd:{{{tenant}}}:conversation:{ident}"


def conversations(tenant: str) -> str:
    """Name the sorted set of a tenant's conversations, scored by when their last execution was made."""
    return f"qd:{{{tenant}}}:conversations"


def about(tenant: str, ident: str) -> str:
    """Name the hash of what a conversation is called, and when it began."""
    return f"qd:{{{tenant}}}:about:{ident}"


def outbox() -> str:
    """Name the sorted set, and the wake-up channel, of the lanes of calls to webhooks, by when to look at each.

    A lane is `TENANT/HOST`, and `OUTBOX:LANE` the sorted set of its deliveries, scored by when they are due, both in
    milliseconds. A member there is `CHANNEL/DELIVERY`, the execution's channel and the delivery's id.
    """
    return "qd:outbox"


def delivery(tenant: str, ident: ExecutionId, name: str) -> str:
    """Name a delivery in the outbox."""
    return f"{channel(tenant, ident)}/{name}"


def delivery_of(member: str) -> tuple[str, ExecutionId, str]:
    """Take such a name apart: tenant, execution, delivery."""
    place, _, name = member.rpartition("/")
    tenant, _, ident = place.removeprefix("qd:{").removesuffix("}").rpartition(":")
    return tenant, ExecutionId(ident), name


def disabled(tenant: str, endpoint: str) -> str:
    """Name the mark of a webhook that answered that it is gone."""
    return f"qd:{{{tenant}}}:disabled:{endpoint}"


def active() -> str:
    """Name the sorted set of executions that have not ended, scored by when to look after them, in milliseconds."""
    return "qd:active"


def within(subject: str, key: str) -> str:
    """Name an idempotency key among those of all subjects: nobody's key is ever another's."""
    return f"{quote(subject, safe='')}:{key}"


def started(tenant: str, subject: str, key: str) -> str:
    """Name what remembers the execution that a `start` with this idempotency key made."""
    return f"qd:{{{tenant}}}:started:{within(subject, key)}"


def forked(tenant: str, subject: str, original: ExecutionId, key: str) -> str:
    """Name what remembers the execution that a `fork` of an original with this idempotency key made."""
    return f"qd:{{{tenant}}}:forked:{original}:{within(subject, key)}"


def tenants() -> str:
    """Name the set of tenants that have ever started something."""
    return "qd:tenants"


def apikey(digest: str) -> str:
    """Name an API key, by what is left of it."""
    return f"qd:apikey:{digest}"


def apikeys() -> str:
    """Name the hash of all API keys: id → digest."""
    return "qd:apikeys"


def apikeys_used() -> str:
    """Name the hash of when API keys were last used: id → Unix seconds."""
    return "qd:apikeys:used"


def ticket(digest: str) -> str:
    """Name a ticket, by what is left of it."""
    return f"qd:ticket:{digest}"


def crews() -> str:
    """Name the hash of the catalogue: crew name → the crew as a worker last reported it."""
    return "qd:crews"


def worker(ident: str) -> str:
    """Name the heartbeat of a worker; it exists while the worker lives."""
    return f"qd:worker:{ident}"


def turn() -> str:
    """Name what is held by the worker whose turn it was to look after everything; it runs out by itself."""
    return "qd:turn"


def wake(worker_id: str) -> str:
    """Name the channel that wakes a worker for one of its executions."""
    return f"qd:wake:{worker_id}"


def probe(process: str) -> str:
    """Name the channel on which a process proves that its subscription still hears."""
    return f"qd:probe:{process}"


def workers() -> str:
    """Name the sorted set of workers, scored by their last heartbeat, in milliseconds."""
    return "qd:workers"
