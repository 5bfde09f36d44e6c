"""Calls to other systems: who wants to hear of what, and what became of each delivery."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

#: What can be heard of; all but the last three unless some are named.
HookEvent = Literal[
    "checkpoint.opened",
    "checkpoint.decided",
    "checkpoint.expired",
    "execution.completed",
    "execution.failed",
    "execution.stopped",
    "execution.cancelled",
    "checkpoint.withdrawn",
]
USUAL: tuple[HookEvent, ...] = (
    "checkpoint.opened", "checkpoint.decided", "checkpoint.expired", "execution.completed", "execution.failed",
)  # fmt: skip
#: How a call is written: by Standard Webhooks, or as a message that Slack takes.
Format = Literal["standard", "slack"]
#: More of them than any execution needs.
MOST_WEBHOOKS = 10


class Webhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An address that hears of an execution. `events`: of what, the usual ones when empty; `secret`: signs the calls.

    The secret (`whsec_` and base64) is never told again.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    events: Annotated[list[HookEvent], Meta(max_length=20)] = []
    secret: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    format: Format = "standard"

    def __repr__(self) -> str:
        """Keep the secret, and an address that may be one, out of messages and logs."""
        return f"Webhook(format={self.format!r}, events={self.events!r})"


class Attempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call: when it was made, how long it took, and the HTTP status or what went wrong."""

    at: str
    seconds: float
    status: int | None = None
    error: str | None = None


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event on its way to one address, of which only the host is told.

    `pending` is tried (again) at `next_at`, `failed` and `disabled` (the address answered 410) only when asked to.
    `attempts` are the last ones.
    """

    id: str
    event: str
    offset: int
    endpoint: str
    host: str
    format: str
    state: Literal["pending", "delivered", "failed", "disabled"]
    attempts: list[Attempt]
    next_at: str | None = None
