"""Rate limits: what counts as what, how much of it is too much, and in whose name. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from limits import RateLimitItem, parse

from protocol.commands import AnyCommand, Decide, Fork, Say, Start

#: So many in so long.
Limit = RateLimitItem


class Kind(StrEnum):
    """What is counted."""

    CONNECTS = "connects"
    COMMANDS = "commands"
    STARTS = "starts"
    DECISIONS = "decisions"
    #: To say who one is, by what is no token, key or ticket; counted by the address alone, since nobody is known.
    FAILURES = "failures"


#: For one person or program, in the notation of the library `limits`.
EACH = {
    Kind.CONNECTS: "60/minute",
    Kind.COMMANDS: "200/10 seconds",
    Kind.STARTS: "120/minute",
    Kind.DECISIONS: "120/minute",
    Kind.FAILURES: "20/minute",
}
#: Streams of server-sent events that one person or program may have open at once, in each web process.
STREAMS, OPEN_STREAMS, MOST_STREAMS = "streams", 100, 1_000_000
#: Behind one address there may be an office: it may do so many times what one may.
SHARED = 5


class BadRate(ValueError):
    """Raised for a limit that cannot be read; the message says what would be right."""


@dataclass(frozen=True)
class Limits:
    """How much of each kind one principal may do, and how much may come from one address; none: without limit.

    `streams`: how many may be open at once, of one `principal`, and of one `address`.
    """

    principal: Mapping[Kind, Limit] = field(default_factory=dict)
    address: Mapping[Kind, Limit] = field(default_factory=dict)
    streams: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, parts: Iterable[str] = ()) -> "Limits":
        """Read changes to the defaults: `starts=10/minute`, `address.starts=100/minute`, or `streams=20`.

        A limit for one that is not given for addresses counts there five times.
        """
        each = {kind: parse(text) for kind, text in EACH.items()}
        shared: dict[Kind, Limit] = {}
        streams: dict[str, int] = {}
        for part in parts:
            name, _, text = (piece.strip() for piece in part.partition("="))
            scope, dot, kind = name.rpartition(".")
            if kind not in (*Kind, STREAMS) or (dot and scope != "address"):
                raise BadRate(f"{name!r} is none of {', '.join((*Kind, STREAMS))}, alone or behind `address.`")
            if kind == STREAMS:
                streams[scope or "principal"] = _number(text)
            else:
                (shared if dot else each)[Kind(kind)] = _limit(text)
        one = streams.get("principal", OPEN_STREAMS)
        return cls(
            each,
            {kind: shared.get(kind, _times(limit, SHARED)) for kind, limit in each.items()},
            {"principal": one, "address": one * SHARED, **streams},
        )

    def commands_in(self, seconds: int) -> int:
        """Tell how many commands one principal may give in so many seconds, at least one."""
        limit = self.principal[Kind.COMMANDS]
        return max(1, limit.amount * seconds // limit.get_expiry())


def _limit(text: str) -> Limit:
    try:
        return parse(text)
    except ValueError as error:
        raise BadRate(f"{text!r} is no limit such as 10/minute or 200/10 seconds") from error


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:10]) <= MOST_STREAMS:
        raise BadRate(f"{text!r} is no number of {STREAMS} that may be open at once, from 1 to {MOST_STREAMS}")
    return int(text)


def _times(limit: Limit, factor: int) -> Limit:
    return type(limit)(limit.amount * factor, limit.multiples)


def kinds(command: AnyCommand) -> tuple[Kind, ...]:
    """Tell as what a command counts."""
    match command:
        case Start() | Say():
            return Kind.COMMANDS, Kind.STARTS
        case Fork():
            return Kind.COMMANDS, Kind.STARTS, Kind.DECISIONS
        case Decide():
            return Kind.COMMANDS, Kind.DECISIONS
    return (Kind.COMMANDS,)


def network(host: str) -> str:
    """Name whom an address stands for: in IPv6 a customer has a whole /64 (RFC 6177)."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
