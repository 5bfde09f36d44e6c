"""Webhooks that a door brings beside a command: more can be said of them than the wire has words for."""

from collections.abc import Mapping

from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server.dispatch.work import Work
from server.store.outbox import MOST_ADDED
from server.webhooks.subscriptions import Endpoint, entries

#: Endpoints, by the fields of the request that they come from.
Endpoints = Mapping[str, Endpoint]
NONE: Endpoints = {}


async def add_webhooks(work: Work, execution: ExecutionId, endpoints: Endpoints) -> None:
    """Have endpoints hear of what follows; those that do already are as they were."""
    checked = work.webhooks.checked(endpoints)
    if not checked:
        return
    match await work.outbox.subscribe(work.store.tenant, execution, entries(checked)):
        case "ended":
            raise Refused(ErrorCode.CONFLICT, "The execution is not there any more, or has ended.")
        case "full":
            text = f"An execution may have {MOST_ADDED} webhooks; give those again that it has."
            raise Refused(ErrorCode.OVER_QUOTA, text, limit=MOST_ADDED)
