"""The operations of deliveries, and the calls that webhooks get, as data. Pure."""

from collections.abc import Mapping
from typing import Any, get_args

from protocol.events import DATA
from protocol.replies import DeliveryList
from protocol.webhooks import Delivery, HookEvent
from server.routes.openapi.operations.row import CURSOR, JSON, LIMIT, ONE, Answer, Operation, ok
from server.webhooks.formats import About

ALL = f"{ONE}/deliveries"
#: The events that webhooks hear of, each with what it carries.
CALLS: Mapping[str, Any] = {data.type.value: data for data in DATA if data.type.value in get_args(HookEvent)}
HEADERS = {
    "webhook-id": "The delivery's id, the same on every attempt: drop what you have had.",
    "webhook-timestamp": "When this attempt was made, in Unix seconds.",
    "webhook-signature": "By Standard Webhooks; absent where no secret was given.",
}
ANSWERS = {
    "2XX": "It was taken.",
    "410": "The address is gone: it is called no more.",
    "default": "It is tried again, for about three days; a `Retry-After` with 429 or 503 is honoured.",
}


DELIVERIES = [
    Operation(
        "GET", ALL, "listDeliveries", "webhooks", "List what webhooks were told, or are to be, oldest first.",
        ok(DeliveryList), parameters=[CURSOR, LIMIT],
    ),
    Operation(
        "POST", f"{ALL}/{{delivery}}/resend", "resendDelivery", "webhooks",
        "Make a delivery again, now, even to an address that has answered 410.",
        {202: Answer("It is due.", {JSON: Delivery})},
    ),
]  # fmt: skip


def webhooks(reference: str) -> dict[str, Any]:
    """Describe the calls; `reference` makes a reference of a component's name."""
    return {name: {"post": _call(name, data, reference)} for name, data in CALLS.items()}


def _call(name: str, data: Any, reference: str) -> dict[str, Any]:
    event = {"$ref": reference.format(name=f"{data.__name__}Event")}
    about = {"$ref": reference.format(name=About.__name__)}
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": name},
            "timestamp": {"type": "string"},
            "data": {"allOf": [event, about]},
        },
    }
    return {
        "operationId": f"on{data.__name__}",
        "tags": ["webhooks"],
        "summary": (data.__doc__ or "").partition("\n")[0].strip(),
        "parameters": [
            {"name": header, "in": "header", "description": text, "schema": {"type": "string"}}
            for header, text in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": body}}},
        "responses": {status: {"description": text} for status, text in ANSWERS.items()},
    }
