"""An open server on an address of this machine alone, which a proxy on the same machine makes public all the same.

Whoever is behind the proxy may do everything then. That may be meant, so nobody is refused.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.settings import is_loopback

#: A client in the header `Forwarded`, see RFC 7239.
CLIENT = re.compile(r"""(?:^|[;,\s])for=("[^"]*"|[^;,\s]*)""", re.IGNORECASE)
MEANING = "whoever reaches what is in front of this server may do everything, because nobody is asked who they are"
ADVICE = (
    "set QUARTERDECK_AUTH_KEY, QUARTERDECK_AUTH_KEY_FILE or QUARTERDECK_AUTH_JWKS_URL, or QUARTERDECK_AUTH=on for API "
    "keys alone; or, where what is in front keeps strangers out, say so: QUARTERDECK_INSECURE=on"
)

log = structlog.get_logger("server.auth")


class Exposure:
    """Warn, once, when a request has come from beyond this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if not self._told and scope["type"] in ("http", "websocket"):
            sign = sign_of(Headers(scope=scope))
            if sign is not None:
                self._told = True
                log.warning("auth.off", sign=sign, meaning=MEANING, advice=ADVICE)
        await self.app(scope, receive, send)


def sign_of(headers: Mapping[str, str]) -> str | None:
    """Give the header by which a request shows that it has come from beyond this machine. Pure."""
    for name, client in _named(headers):
        if client and not is_loopback(client):
            return f"{name}: {headers[name][:200]}"
    return None


def _named(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give what may be no name of this machine, and where it stands."""
    for text in headers.get("x-forwarded-for", "").split(","):
        yield "x-forwarded-for", _without_port(text.strip())
    for text in CLIENT.findall(headers.get("forwarded", "")):
        yield "forwarded", _without_port(text.strip('"'))
    try:
        yield "host", urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return


def _without_port(node: str) -> str:
    if node.startswith("["):
        return node[1:].partition("]")[0]
    return node.partition(":")[0] if node.count(":") == 1 else node
