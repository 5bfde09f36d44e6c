"""Origins of web pages, as browsers write them: scheme, host and port, and nothing else (RFC 6454). Pure."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from server.settings.reading import BadSetting

DEFAULT_PORTS = {"http": 80, "https": 443}
#: A name or an address, and perhaps a port; neither a user nor a wildcard.
AUTHORITY = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def origins(texts: Iterable[str]) -> tuple[str, ...]:
    """Write origins as browsers send them, each once, or raise `BadSetting`: a page is named exactly, or not at all."""
    return tuple(dict.fromkeys(_origin(text) for text in texts))


def _origin(text: str) -> str:
    scheme, colon, rest = text.lower().partition("://")
    authority = rest.removesuffix("/")
    if not colon or not scheme.replace("-", "").isalnum() or not AUTHORITY.fullmatch(authority):
        raise BadSetting(
            f"QUARTERDECK_ORIGINS: {text!r} is no origin such as https://app.example or http://localhost:3000, with "
            "commas between several."
        )
    return f"{scheme}://{authority.removesuffix(f':{DEFAULT_PORTS.get(scheme)}')}"


def is_of_host(origin: str, host: str) -> bool:
    """Tell whether a page of this origin was served by the host that a request is for, as its `Host` names it."""
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    named = page.netloc.lower()
    return bool(named) and host.lower() in (named, f"{named}:{DEFAULT_PORTS.get(page.scheme)}")
