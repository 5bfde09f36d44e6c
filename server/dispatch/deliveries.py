"""`deliveries` and `resend`: what webhooks were told of an execution, and telling it again."""

from collections.abc import Mapping
from contextlib import suppress

import msgspec
import structlog

from protocol.commands import Deliveries, Resend
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.replies import DeliveryList, Resent
from server.dispatch.lists import offset_of
from server.dispatch.work import Work, unknown
from server.store import Claim
from server.webhooks import records
from server.webhooks.records import Record
from server.webhooks.subscriptions import Endpoint

#: A call may end at the very moment; more than so many in a row is a fault.
TRIES = 5
#: What reading something raises that another version wrote.
NOT_READ = (msgspec.MsgspecError, ValueError)
UNREADABLE = "The record of this delivery cannot be read here: a newer server may have written it. Ask that one."

log = structlog.get_logger()


async def list_deliveries(work: Work, command: Deliveries) -> DeliveryList:
    """Read a page of an execution's deliveries, in the order of its events; what cannot be read is left out."""
    begin = offset_of(command.cursor)
    stored = await work.outbox.deliveries(work.store.tenant, command.execution)
    if not stored and await work.store.holder(command.execution) is None:
        raise unknown(command.execution)
    names = sorted(stored, key=records.parts)[begin : begin + command.limit]
    endpoints = await _endpoints(work, command.execution, names)
    items = [
        records.shown(name, record, *_place(name, endpoints))
        for name in names
        if (record := _read(command.execution, name, stored[name]))
    ]
    end = begin + command.limit
    return DeliveryList(items=items, next=str(end) if end < len(stored) else None)


async def resend(work: Work, command: Resend) -> Resent:
    """Make a delivery due now, with the whole schedule before it again."""
    claim = Claim(tenant=work.store.tenant, execution=command.execution, delivery=command.delivery)
    for _ in range(TRIES):
        raw = await work.outbox.record(claim)
        if raw is None:
            raise Refused(ErrorCode.NOT_FOUND, f"The execution has no delivery {command.delivery!r}.")
        record = _read(command.execution, command.delivery, raw)
        if record is None:
            raise Refused(ErrorCode.UNAVAILABLE, UNREADABLE)
        fresh = records.again(record, now=work.store.clock())
        await work.outbox.enable(claim.tenant, records.parts(command.delivery)[1])
        if await work.outbox.settle(claim, raw, records.written(fresh), wait=0):
            endpoints = await _endpoints(work, command.execution, [command.delivery])
            return Resent(delivery=records.shown(command.delivery, fresh, *_place(command.delivery, endpoints)))
    raise Refused(ErrorCode.UNAVAILABLE, "The delivery is being made at this moment.", retry_after=1.0)


async def _endpoints(work: Work, execution: ExecutionId, names: list[str]) -> Mapping[str, Endpoint | None]:
    """Find where the deliveries go."""
    idents = list({records.parts(name)[1] for name in names})
    brought = await work.outbox.brought(work.store.tenant, execution, idents)
    found: dict[str, Endpoint | None] = dict.fromkeys(idents)
    for ident in idents:
        with suppress(*NOT_READ):
            found[ident] = work.webhooks.endpoint(ident, brought.get(ident))
    return found


def _read(execution: ExecutionId, name: str, raw: bytes) -> Record | None:
    """Read a record; nothing, and a line in the log, when a newer version wrote it, or something else is wrong."""
    try:
        return records.read(raw)
    except NOT_READ as error:
        log.warning("webhook.unreadable", execution=execution, delivery=name, error=str(error))
        return None


def _place(name: str, endpoints: Mapping[str, Endpoint | None]) -> tuple[str, str]:
    """Tell where a delivery goes, and how it is written; both are empty where nobody knows any more."""
    endpoint = endpoints[records.parts(name)[1]]
    return (endpoint.host, endpoint.format) if endpoint else ("", "")
