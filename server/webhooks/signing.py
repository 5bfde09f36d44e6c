"""What a call says of itself in its headers, and its signature, by Standard Webhooks. Pure."""

import binascii
from base64 import b64decode

from standardwebhooks.webhooks import Webhook as Signer

from server.webhooks.schedule import moment

PREFIX = "whsec_"
#: "The secret should be between 24 bytes (192 bits) and 64 bytes (512 bits)" (Standard Webhooks, signature scheme).
SHORTEST, LONGEST = 24, 64


def problem_of(secret: str) -> str | None:
    """Tell what is wrong with a secret; nothing when it can sign. The secret itself is not told."""
    if not secret.startswith(PREFIX):
        return f"it must begin with {PREFIX!r}"
    try:
        size = len(b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return f"what follows {PREFIX!r} must be base64"
    if not SHORTEST <= size <= LONGEST:
        return f"what follows {PREFIX!r} must be {SHORTEST} to {LONGEST} bytes in base64"
    return None


def headers(ident: str, body: bytes, now: float, secret: str | None) -> dict[str, str]:
    """Write the headers of one attempt: the id, which all attempts share, the time, and the signature of both.

    Without a secret there is no signature.
    """
    told = {"webhook-id": ident, "webhook-timestamp": str(int(now))}
    if secret is not None:
        told["webhook-signature"] = Signer(secret).sign(ident, moment(int(now)), body.decode())
    return told


def call_id(execution: str, delivery: str) -> str:
    """Name a delivery for its receiver: the same on every attempt, so that a second one can be dropped.

    It has no dot, which would part it from the time in what is signed.
    """
    return f"{execution}-{delivery}"
