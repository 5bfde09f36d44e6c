"""Tokens as an identity provider makes them: of every kind, good and bad."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from server.auth.keyset import unwarned

SECRET = "a secret that is long enough to be one, for once"
ISSUER, AUDIENCE = "https://issuer.example", "quarterdeck"
#: The settings of a server that takes what is signed here by HS256.
AUTH = {"QUARTERDECK_AUTH_KEY": SECRET, "QUARTERDECK_AUTH_ISSUER": ISSUER, "QUARTERDECK_AUTH_AUDIENCE": AUDIENCE}


def key(algorithm: str, number: int = 0) -> Key:
    """Make a key, the same for the same number."""
    return _made(algorithm, number)


@cache
def _made(algorithm: str, number: int) -> Key:
    match algorithm:
        case "HS256":
            return OctKey.import_key(SECRET if number == 0 else f"{SECRET}, number {number}")
        case "RS256":
            return RSAKey.generate_key(2048)
        case "ES256":
            return ECKey.generate_key("P-256")
        case _:
            return OKPKey.generate_key("Ed25519")


def pem(algorithm: str, number: int = 0) -> str:
    """Write the public key as PEM."""
    made = key(algorithm, number)
    assert not isinstance(made, OctKey)
    return made.as_pem(private=False).decode()


def jwks(**algorithms: str) -> bytes:
    """Write a set of public keys: `kid=algorithm`."""
    return json.dumps({"keys": [jwk(algorithm, kid) for kid, algorithm in algorithms.items()]}).encode()


def jwk(algorithm: str, kid: str) -> dict[str, Any]:
    """Write one public key; one of HS256 is the secret itself."""
    made = key(algorithm)
    return {**made.as_dict(private=isinstance(made, OctKey)), "kid": kid}


def claims(**changes: Any) -> dict[str, Any]:
    """Say who it is; a change to None leaves a claim out."""
    now = int(time.time())
    said = {
        "sub": "rara", "name": "Rara", "tenant": "kopi", "roles": ["operator"], "iss": ISSUER, "aud": AUDIENCE,
        "iat": now, "exp": now + 600, **changes,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def token(algorithm: str = "HS256", *, number: int = 0, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """Sign a token."""
    named = {"alg": algorithm, **(header or {})}
    with unwarned():
        return jwt.encode(named, claims(**changes), key(algorithm, number), algorithms=[algorithm])


def forged(secret: str, **changes: Any) -> str:
    """Sign a token by HS256 with a text that everybody knows."""
    signed = unsigned("HS256", **changes).removesuffix(".")
    made = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def unsigned(alg: str = "none", signature: str = "", **changes: Any) -> str:
    """Write a token that nobody signed."""
    parts = (json.dumps({"alg": alg, "typ": "JWT"}), json.dumps(claims(**changes)))
    return ".".join([*(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts), signature])
