"""The webhooks of a kickoff as endpoints that are called in the words of CrewAI's platform. Pure."""

from base64 import b64encode

from server.routes.compat.bodies import Basic, Bearer, HumanInput, Webhooks
from server.webhooks.platform import CREW, HEARD, HUMAN, STEP, TASK
from server.webhooks.subscriptions import Endpoint

#: The fields of the body, and how who stands there is told.
FORMATS = {"taskWebhookUrl": TASK, "stepWebhookUrl": STEP, "crewWebhookUrl": CREW, "humanInputWebhook": HUMAN}


def endpoints(body: Webhooks) -> dict[str, Endpoint]:
    """Read the endpoints of a body, by its fields."""
    asked = {field: getattr(body, field) for field in FORMATS}
    return {field: _endpoint(FORMATS[field], value, body) for field, value in asked.items() if value is not None}


def _endpoint(form: str, value: str | HumanInput, body: Webhooks) -> Endpoint:
    url, proof = (value, None) if isinstance(value, str) else (value.url, value.authentication)
    return Endpoint(url=url, events=list(HEARD[form]), format=form, authorization=_header(proof), meta=body.meta)


def _header(proof: Bearer | Basic | None) -> str | None:
    match proof:
        case Bearer():
            return f"Bearer {proof.token}"
        case Basic():
            return f"Basic {b64encode(f'{proof.username}:{proof.password}'.encode()).decode()}"
    return None
