"""The keys that tokens are checked with. Each takes the algorithms of its own kind, and no others.

That is what makes `alg` harmless: a token that says HS256 is never checked with somebody's public key, and `none` is an
algorithm of no key.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, Key, OctKey, OKPKey, RSAKey
from msgspec import Struct

from protocol.frames import UNREADABLE

#: The algorithms of each kind of key, named as the settings name them.
KINDS: Mapping[tuple[str, str], str] = {
    ("oct", ""): "HS256", ("RSA", ""): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA",
}  # fmt: skip
#: What tokens call them: RFC 9864 has a name of its own for EdDSA with Ed25519.
SPELLINGS: Mapping[str, str] = {"Ed25519": "EdDSA"}
#: A secret that is shorter than the hash can be guessed (RFC 7518, section 3.2), in bytes.
SHORTEST_SECRET = 32
#: An RSA key that is shorter is refused (RFC 7518, section 3.3), in bits.
SHORTEST_RSA = 2048


class BadKey(ValueError):
    """Raised for what is no key, or none that is safe to use; the message is for the operator."""


@dataclass(frozen=True)
class VerifyingKey:
    """A key, its one algorithm, and the `kid` that tokens name it by; a key without one may be meant by any token."""

    key: Key
    algorithm: str
    kid: str | None = None

    def fits(self, kid: str | None, algorithm: str) -> bool:
        """Tell whether it may have signed a token of this header."""
        return SPELLINGS.get(algorithm, algorithm) == self.algorithm and (None in (kid, self.kid) or kid == self.kid)


@contextmanager
def unwarned() -> Iterator[None]:
    """Have the library say nothing: what it warns of is refused here, or meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        yield


def from_text(text: str) -> list[VerifyingKey]:
    """Read a PEM, a JWK, a JWKS, or, if it is none of these, a shared secret; raises `BadKey`."""
    content = text.strip()
    if content.startswith("-----BEGIN"):
        with unwarned():
            return [_from_pem(content)]
    if content.startswith("{"):
        return from_jwks(content.encode())
    if _is_public(content):
        raise BadKey("it is a public key without its PEM armour: as a shared secret, everybody would know it")
    return [_checked(OctKey.import_key(_long_enough(content)), {})]


def _is_public(content: str) -> bool:
    """Tell whether a text is a public key, in the form of OpenSSH or in base64."""
    if content.startswith(("ssh-", "ecdsa-sha2-")):
        return True
    with unwarned():
        return _imported(f"-----BEGIN PUBLIC KEY-----\n{content}\n-----END PUBLIC KEY-----\n") is not None


def from_jwks(content: bytes, *, public: bool = False) -> list[VerifyingKey]:
    """Read a JWK or a JWKS; keys of kinds that are not used here are passed over.

    Where they are `public`, so are secrets, and those that nobody should use beside one that is sound.
    """
    try:
        decoded = msgspec.json.decode(content, type=dict[str, Any])
        listed: list[dict[str, Any]] = msgspec.convert(decoded.get("keys", [decoded]), list[dict[str, Any]])
    except UNREADABLE as error:
        raise BadKey(f"it is no JWK, nor a set of them: {error}") from None
    usable = [jwk for jwk in listed if _is_for_us(jwk) and not (public and jwk["kty"] == "oct")]
    if not usable:
        raise BadKey(f"it has no key for signatures of the kinds {', '.join(KINDS.values())}")
    with unwarned():
        return _sound(usable) if public else [_from_jwk(jwk) for jwk in usable]


def _sound(jwks: Sequence[Mapping[str, Any]]) -> list[VerifyingKey]:
    """Read those of several keys that can be used: whoever publishes them has others beside us to think of."""
    found: list[VerifyingKey] = []
    faults: list[BadKey] = []
    for jwk in jwks:
        try:
            found.append(_from_jwk(jwk))
        except BadKey as fault:
            faults.append(fault)
    if not found:
        raise faults[0]
    return found


class Described(Struct, frozen=True):
    """What a JWK says it is for."""

    kty: str = ""
    crv: str = ""
    alg: str = ""
    use: str = "sig"


def _is_for_us(jwk: Mapping[str, Any]) -> bool:
    try:
        said = msgspec.convert(jwk, Described)
    except msgspec.ValidationError:
        return False
    kind = KINDS.get((said.kty, said.crv))
    return kind is not None and SPELLINGS.get(said.alg, said.alg) in ("", kind) and said.use == "sig"


def _from_jwk(jwk: Mapping[str, Any]) -> VerifyingKey:
    try:
        return _checked(JWKRegistry.import_key(dict(jwk)), jwk)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadKey(f"one of its keys cannot be used: {error}") from None


def _from_pem(content: str) -> VerifyingKey:
    if (key := _imported(content)) is None:
        raise BadKey("it is no PEM of a key for RS256, ES256 or EdDSA")
    return _checked(key, {})


def _imported(pem: str) -> Key | None:
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            return kind.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
    return None


def _checked(key: Key, jwk: Mapping[str, Any]) -> VerifyingKey:
    kind = KINDS.get((key.key_type, getattr(key, "curve_name", "") or ""))
    if kind is None:
        raise BadKey(f"{key.key_type} keys of that kind sign nothing that is taken here")
    if isinstance(key, OctKey):
        _long_enough(key.raw_value)
    if isinstance(key, RSAKey) and key.public_key.key_size < SHORTEST_RSA:
        raise BadKey(f"an RSA key must have at least {SHORTEST_RSA} bits")
    return VerifyingKey(key, kind, jwk.get("kid"))


def _long_enough(secret: str | bytes) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < SHORTEST_SECRET:
        raise BadKey(f"a secret must have at least {SHORTEST_SECRET} bytes, such as `openssl rand -base64 32` makes")
    return raw


def fitting(keys: Sequence[VerifyingKey], kid: str | None, algorithm: str) -> list[VerifyingKey]:
    """Choose the keys that may have signed a token of this header."""
    return [key for key in keys if key.fits(kid, algorithm)]
