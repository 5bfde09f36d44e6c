"""What became of a delivery: the record that is kept of it, and what an attempt makes of it. Pure."""

from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct

from protocol.frames import timestamp
from protocol.webhooks import Attempt, Delivery
from server.webhooks.schedule import delay

Standing = Literal["pending", "delivered", "failed", "disabled"]
#: So many attempts are told of, the last ones.
KEPT = 20
GONE = 410
#: A receiver that says when to come again is believed with these.
PATIENT = (429, 503)


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery as Redis keeps it; the commit writes its `type` alone.

    `tries`: attempts since it was made, or was asked for again; `due`: when the next one is, in Unix seconds.
    """

    type: str
    state: Standing = "pending"
    tries: int = 0
    due: float | None = None
    attempts: list[Attempt] = []


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a call came to: an HTTP status, or an error. `final`: another attempt would come to the same."""

    seconds: float = 0.0
    status: int | None = None
    error: str | None = None
    retry_after: float | None = None
    final: bool = False


def read(raw: bytes) -> Record:
    """Read a record."""
    return msgspec.json.decode(raw, type=Record)


def written(record: Record) -> bytes:
    """Write a record."""
    return msgspec.json.encode(record)


def noted(record: Record, outcome: Outcome, *, now: float, chance: float) -> Record:
    """Note an attempt: 2xx is delivered, 410 disables the address, all else is tried again while the schedule lasts.

    What was delivered stays so, whatever a second worker hears that had it, too.
    `now`: when the call began, in Unix seconds; `chance`: from 0 to 1.
    """
    tries = record.tries + 1
    state, due = _next(outcome, tries, now + outcome.seconds, chance)
    if record.state == "delivered" or (record.state != "pending" and state in ("pending", "failed")):
        state, due = record.state, None
    attempts = _with(record, outcome, now)
    return msgspec.structs.replace(record, state=state, tries=tries, due=due, attempts=attempts)


def _next(outcome: Outcome, tries: int, ended: float, chance: float) -> tuple[Standing, float | None]:
    if outcome.status is not None and 200 <= outcome.status < 300:
        return "delivered", None
    if outcome.status == GONE:
        return "disabled", None
    wait = None if outcome.final else delay(tries, chance)
    if wait is None:
        return "failed", None
    return "pending", ended + max(wait, outcome.retry_after or 0.0)


def disabled(record: Record, why: str, *, now: float) -> Record:
    """Give a delivery up without a call, for its address is disabled."""
    attempts = _with(record, Outcome(error=why), now)
    return msgspec.structs.replace(record, state="disabled", due=None, attempts=attempts)


def _with(record: Record, outcome: Outcome, now: float) -> list[Attempt]:
    seconds = round(outcome.seconds, 3)
    attempt = Attempt(at=timestamp(now), seconds=seconds, status=outcome.status, error=outcome.error)
    return [*record.attempts, attempt][-KEPT:]


def again(record: Record, *, now: float) -> Record:
    """Begin the schedule anew, now; a worker that has read the record before sees by that that it is another."""
    return msgspec.structs.replace(record, state="pending", tries=0, due=now)


def parts(delivery: str) -> tuple[int, str]:
    """Take the id of a delivery apart: `OFFSET-ENDPOINT`; raises `ValueError` for any other text."""
    offset, _, endpoint = delivery.partition("-")
    if not offset.isascii() or not offset.isdigit() or len(offset) > 12 or not endpoint:
        raise ValueError(delivery)
    return int(offset), endpoint


def shown(delivery: str, record: Record, host: str, form: str) -> Delivery:
    """Show a delivery to people."""
    offset, endpoint = parts(delivery)
    return Delivery(
        id=delivery,
        event=record.type,
        offset=offset,
        endpoint=endpoint,
        host=host,
        format=form,
        state=record.state,
        attempts=record.attempts,
        next_at=None if record.due is None else timestamp(record.due),
    )
