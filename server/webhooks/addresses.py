"""Which addresses may be called: none of this machine or its networks, unless an operator allows it. Pure.

Whoever starts an execution chooses what this server calls; without these rules that would be a way into the network
behind it (server-side request forgery). A name is judged by the addresses that it has, at the moment of each call.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
#: IANA's special-purpose registry for IPv4: this network, private, shared (CGNAT), loopback, link-local, protocol
#: assignments, documentation, 6to4 relays, benchmarks, multicast, reserved and broadcast.
CLOSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
#: Of IPv6 only this part is the public internet, less Teredo and other assignments, documentation and 6to4.
OPEN_V6 = IPv6Network("2000::/3")
CLOSED_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
#: IPv4 inside IPv6: mapped, and translated by NAT64.
MAPPED, TRANSLATED = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
#: What neither a URL nor a header may have in it.
LOWEST, HIGHEST = 0x21, 0x7E


@dataclass(frozen=True)
class Allow:
    """What an operator allows beyond the public internet: hosts by name (`.suffix` for all below one), networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, texts: Iterable[str]) -> "Allow":
        """Read names, addresses and networks, or raise `ValueError`."""
        hosts: set[str] = set()
        networks: list[Network] = []
        for text in texts:
            bare = text.strip("[]").lower()
            if "/" in bare or _literal(bare):
                networks.append(ip_network(bare))
            elif bare.strip(".").replace("-", "").replace(".", "").replace("_", "").isalnum() and bare.isascii():
                hosts.add(bare)
            else:
                raise ValueError(f"{text!r} is no host, address or network")
        return cls(frozenset(hosts), tuple(networks))

    def host(self, name: str) -> bool:
        """Tell whether a host is allowed by its name, wherever it is."""
        name = name.lower()
        return name in self.hosts or any(each.startswith(".") and name.endswith(each) for each in self.hosts)

    def address(self, address: Address) -> bool:
        """Tell whether an address is in an allowed network."""
        return any(address in network for network in self.networks if network.version == address.version)


NOTHING = Allow()


def problem_of(url: str, allow: Allow = NOTHING) -> str | None:
    """Tell what is wrong with a webhook's URL; nothing when it may be called, as far as can be told without DNS."""
    if not all(LOWEST <= ord(letter) <= HIGHEST for letter in url):
        return "it has a space or a letter in it that must be escaped"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it cannot be read"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "it must be https://HOST/…"
    if parts.username is not None or parts.password is not None:
        return "it has a name or a password in it"
    return _problem_of_host(parts, allow)


def _problem_of_host(parts: SplitResult, allow: Allow) -> str | None:
    host = parts.hostname or ""
    literal = _literal(host)
    known = allow.host(host) or (literal is not None and allow.address(literal))
    if literal is not None and not known and not is_public(literal):
        return f"{host} is not an address of the public internet; QUARTERDECK_WEBHOOK_ALLOW names others"
    if parts.scheme == "http" and not known:
        return "it must be https; http is for hosts that QUARTERDECK_WEBHOOK_ALLOW names"
    return None


def callable_among(host: str, found: Sequence[str], allow: Allow = NOTHING) -> list[str]:
    """Choose of the addresses that a host has those that may be called."""
    if allow.host(host):
        return list(found)
    return [text for text in found if (address := _literal(text)) and (is_public(address) or allow.address(address))]


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet; one that carries another is judged by that."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED_V4)
    if address in MAPPED or address in TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


def host_of(url: str) -> str:
    """Give what may be told of a URL: its host and port. What follows may be as secret as a password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _literal(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
