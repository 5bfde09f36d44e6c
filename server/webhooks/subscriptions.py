"""Who hears of what: the addresses of an execution's request, and those that are configured for its crew. Pure."""

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from protocol.errors import ErrorCode, Refused
from protocol.webhooks import USUAL, Webhook
from server.keys import HOOK, HOOKS
from server.webhooks import addresses, signing
from server.webhooks.addresses import Allow

#: What the names begin with of endpoints that requests brought, and of those that are configured: a request that names
#: an operator's address does not take its calls away.
OWN, OURS = "x", "c"
#: Bytes of JSON that are kept with each endpoint, to be passed on.
MOST_META = 16_384


class Endpoint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address to call, and how. `authorization`: a header; `meta`: passed on with each call of CrewAI's formats."""

    url: str
    events: list[str]
    format: str = "standard"
    secret: str | None = None
    authorization: str | None = None
    meta: dict[str, Any] | None = None

    @property
    def ident(self) -> str:
        """The endpoint's name: the same for the same address and format, in every execution.

        It begins with eight letters for the host, whose calls wait for each other (`server/lua/outbox.lua`).
        """
        return _digest(self.host.lower(), 5) + _digest(f"{self.format} {self.url}", 10)

    @property
    def host(self) -> str:
        """What people are told of its address."""
        return addresses.host_of(self.url)

    def __repr__(self) -> str:
        """Keep what is secret out of messages and logs."""
        return f"Endpoint(ident={self.ident!r}, host={self.host!r}, format={self.format!r})"


class Configured(Struct, frozen=True, kw_only=True):
    """An endpoint of the configuration. `crews`: whose executions it hears of, all when empty."""

    endpoint: Endpoint
    crews: tuple[str, ...] = ()


class Subscriptions:
    """The endpoints that are configured, and the rules for those that requests bring."""

    def __init__(self, configured: Iterable[Configured] = (), *, allow: Allow = addresses.NOTHING) -> None:
        self.configured = list(configured)
        self.allow = allow
        self._known = {OURS + each.endpoint.ident: each.endpoint for each in self.configured}

    def endpoint(self, name: str, brought: bytes | None) -> Endpoint | None:
        """Give an endpoint, as the execution's request brought it, or as it is configured."""
        return self._known.get(name) if brought is None else read(brought)

    def asked(self, webhooks: Sequence[Webhook]) -> list[Endpoint]:
        """Check the webhooks of a request, or raise `Refused`."""
        return self.checked({
            f"webhooks[{number}]": Endpoint(
                url=each.url, events=list(each.events or USUAL), format=each.format, secret=each.secret
            )
            for number, each in enumerate(webhooks)
        })  # fmt: skip

    def checked(self, endpoints: Mapping[str, Endpoint]) -> list[Endpoint]:
        """Refuse endpoints that could not be called, by the fields that they come from, and without what is secret."""
        for field, each in endpoints.items():
            if problem := addresses.problem_of(each.url, self.allow):
                raise Refused(ErrorCode.BAD_FIELD, f"`{field}` cannot be called; its url: {problem}.")
            if each.secret is not None and (problem := signing.problem_of(each.secret)):
                raise Refused(ErrorCode.BAD_FIELD, f"`{field}` cannot be called; its secret: {problem}.")
            if len(msgspec.json.encode(each.meta)) > MOST_META:
                raise Refused(ErrorCode.BAD_FIELD, f"`meta` is larger than {MOST_META} bytes, and goes with each call.")
        if len({each.ident for each in endpoints.values()}) < len(endpoints):
            raise Refused(ErrorCode.BAD_FIELD, "`webhooks` names one address twice in the same format.")
        return list(endpoints.values())

    def fields(self, crew: str, brought: Sequence[Endpoint] = ()) -> dict[str, bytes]:
        """Give what an execution's state says of its webhooks; nothing when it has none.

        What the configuration holds is not in it, but its names: secrets of operators stay where they are.
        """
        listed = [each.endpoint for each in self.configured if not each.crews or crew in each.crews]
        named = [*((OURS + each.ident, each) for each in listed), *((OWN + each.ident, each) for each in brought)]
        heard: dict[str, dict[str, None]] = {}
        for name, each in named:
            for event in each.events:
                heard.setdefault(event, {})[name] = None
        return {f"{HOOKS}{event}": " ".join(names).encode() for event, names in heard.items()} | kept(brought)


def _digest(text: str, size: int) -> str:
    return b32encode(hashlib.sha256(text.encode()).digest()[:size]).decode().lower()


def kept(brought: Sequence[Endpoint]) -> dict[str, bytes]:
    """Give what the state keeps of the endpoints that requests bring."""
    return {f"{HOOK}{OWN}{each.ident}": msgspec.json.encode(each) for each in brought}


def inherited(row: Mapping[str, bytes]) -> list[Endpoint]:
    """Find the endpoints that requests brought in an execution's state."""
    return [read(raw) for name, raw in row.items() if name.startswith(f"{HOOK}{OWN}")]


def entries(brought: Sequence[Endpoint]) -> dict[str, tuple[bytes, list[str]]]:
    """Name endpoints that are added later, each with its description and what it hears of."""
    return {f"{OWN}{each.ident}": (msgspec.json.encode(each), each.events) for each in brought}


def read(raw: bytes) -> Endpoint:
    """Read an endpoint as the state keeps it."""
    return msgspec.json.decode(raw, type=Endpoint)
