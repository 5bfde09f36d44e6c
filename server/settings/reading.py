"""Reading variables: each gives a value, or one line that says what would be right."""

from collections.abc import Mapping
from ipaddress import ip_address

ON, OFF = ("", "on", "1", "true", "yes"), ("off", "0", "false", "no")


class BadSetting(Exception):
    """Raised for a setting that cannot be used; the message names it and says what would be right."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server on that host."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def words(text: str) -> list[str]:
    """Split at commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def number(environ: Mapping[str, str], name: str, default: int, *, highest: int, lowest: int = 1) -> int:
    """Read a whole number."""
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise BadSetting(f"{name}={text} is not a whole number from {lowest} to {highest}.")
    return int(text)


def flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Read `on` or `off`."""
    text = environ.get(name, "").lower()
    if text in ON:
        return default if text == "" else True
    if text in OFF:
        return False
    raise BadSetting(f"{name}={text} is neither on nor off.")
