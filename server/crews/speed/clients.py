"""One TLS context for all HTTP clients that ask for no particular one; reading the certificates takes 20 ms each time.

About `httpx/_transports/default.py`: the clients of OpenAI, Anthropic and Google are httpx's, and CrewAI makes two of
them for every model object, so for every execution whose crew is built by a factory. Sharing a context is what it is
made for; clients that bring certificates, a context, or no verification are left alone.
"""

import os
import ssl
from functools import cache

from httpx._config import create_ssl_context
from httpx._transports import default
from httpx._types import CertTypes

from server.crews.speed.contract import replace

RELIES_ON = {
    "httpx._config:create_ssl_context": "72025cd79112712b",
    "httpx._transports.default:HTTPTransport.__init__": "c5fe8f1eadf4fb49",
    "httpx._transports.default:AsyncHTTPTransport.__init__": "433c33239d86ec87",
}


def install() -> None:
    """Have httpx's transports share it."""
    replace(default, "create_ssl_context", _context)


def _context(
    verify: ssl.SSLContext | str | bool = True, cert: CertTypes | None = None, trust_env: bool = True
) -> ssl.SSLContext:
    if verify is not True or cert is not None:
        return create_ssl_context(verify, cert, trust_env)
    return _shared(trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _shared(trust_env: bool, file: str | None, folder: str | None) -> ssl.SSLContext:
    """Make the context of one setting of the environment, which is where it is read from."""
    return create_ssl_context(True, None, trust_env)
