"""`deliveries` and `resend`: what webhooks were told of an execution, and telling it again."""

from collections.abc import Mapping

from protocol.commands import Deliveries, Resend
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.replies import DeliveryList, Resent
from protocol.webhooks import Delivery
from server.dispatch.lists import offset_of
from server.dispatch.work import Work, unknown
from server.store import Claim
from server.webhooks import records
from server.webhooks.subscriptions import Endpoint

#: A call may end at the very moment; more than so many in a row is a fault.
TRIES = 5


async def list_deliveries(work: Work, command: Deliveries) -> DeliveryList:
    """Read a page of an execution's deliveries, in the order of its events."""
    begin = offset_of(command.cursor)
    stored = await work.outbox.deliveries(work.store.tenant, command.execution)
    if not stored and await work.store.holder(command.execution) is None:
        raise unknown(command.execution)
    names = sorted(stored, key=records.parts)[begin : begin + command.limit]
    endpoints = await _endpoints(work, command.execution, names)
    items = [_shown(name, stored[name], endpoints) for name in names]
    end = begin + command.limit
    return DeliveryList(items=items, next=str(end) if end < len(stored) else None)


async def resend(work: Work, command: Resend) -> Resent:
    """Make a delivery due now, with the whole schedule before it again."""
    claim = Claim(tenant=work.store.tenant, execution=command.execution, delivery=command.delivery)
    for _ in range(TRIES):
        raw = await work.outbox.record(claim)
        if raw is None:
            raise Refused(ErrorCode.NOT_FOUND, f"The execution has no delivery {command.delivery!r}.")
        fresh = records.again(records.read(raw))
        await work.outbox.enable(claim.tenant, records.parts(command.delivery)[1])
        if await work.outbox.settle(claim, raw, records.written(fresh), wait=0):
            endpoints = await _endpoints(work, command.execution, [command.delivery])
            return Resent(delivery=_shown(command.delivery, records.written(fresh), endpoints))
    raise Refused(ErrorCode.UNAVAILABLE, "The delivery is being made at this moment.", retry_after=1.0)


async def _endpoints(work: Work, execution: ExecutionId, names: list[str]) -> Mapping[str, Endpoint | None]:
    """Find where the deliveries go."""
    idents = list({records.parts(name)[1] for name in names})
    brought = await work.outbox.brought(work.store.tenant, execution, idents)
    return {ident: work.webhooks.endpoint(ident, brought.get(ident)) for ident in idents}


def _shown(name: str, raw: bytes, endpoints: Mapping[str, Endpoint | None]) -> Delivery:
    endpoint = endpoints[records.parts(name)[1]]
    host, form = (endpoint.host, endpoint.format) if endpoint else ("", "")
    return records.shown(name, records.read(raw), host, form)
