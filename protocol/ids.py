"""Identifiers and positions. Ids are opaque to clients; they sort by the time they were made."""

import secrets
import time
from typing import NewType

import msgspec

ExecutionId = NewType("ExecutionId", str)
CheckpointId = NewType("CheckpointId", str)
ConversationId = NewType("ConversationId", str)
ConnectionId = NewType("ConnectionId", str)

#: Crockford's base 32: no letter can be taken for a digit, and text order is numeric order.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in an execution's log.

    An offset alone lies after a log was lost and begun again: offset 7 of the new log is another event
    than offset 7 of the old one. The epoch tells the two logs apart.
    """

    epoch: str
    offset: int


def new_id(prefix: str) -> str:
    """Make an id such as `x_01k9…`: 48 bits of milliseconds, then 80 random bits (as in ULID)."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    digits = "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{digits}"


def new_execution() -> ExecutionId:
    """Make the id of an execution."""
    return ExecutionId(new_id("x"))


def new_checkpoint() -> CheckpointId:
    """Make the id of a checkpoint."""
    return CheckpointId(new_id("cp"))


def new_connection() -> ConnectionId:
    """Make the id of a connection."""
    return ConnectionId(new_id("c"))
