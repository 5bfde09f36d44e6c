"""JSON Web Tokens: is it signed by one whom we trust, is it for us, is it its time; then whom it speaks of."""

import base64
import binascii
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

import msgspec
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    MissingClaimError,
)
from joserfc.jws import JWSRegistry
from msgspec import Struct

from protocol.errors import Refused
from protocol.frames import UNREADABLE
from server.auth.claims import BadClaim, principal
from server.auth.keyset import SPELLINGS, VerifyingKey, fitting, unwarned
from server.auth.principal import Session
from server.auth.refusals import unauthenticated
from server.settings import AuthSettings

#: Clocks may differ by so much, in seconds.
LEEWAY = 5
#: The end of the year 9999. What is behind it was not counted in seconds.
LATEST = 253_402_300_799
#: What else the library raises, for headers and claims of types that it does not look for, or too deep to be read.
UNFORESEEN = (ValueError, TypeError, RecursionError)
#: What a token's header names, and not the settings, is worth nothing: only these are read of it.
HEADER = ("alg", "kid")


class Keys(Protocol):
    """Where the keys are."""

    async def find(self, kid: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """Give those that may have signed a token of this header; raises `Refused` when they cannot be had."""


class OwnKeys:
    """Keys that the settings gave."""

    def __init__(self, keys: Sequence[VerifyingKey]) -> None:
        self.keys = keys

    async def find(self, kid: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """Give those that fit."""
        return fitting(self.keys, kid, algorithm)


class Header(Struct, frozen=True):
    """What is read of a token's header."""

    alg: str
    kid: str | None = None


class Tokens:
    """Read tokens by the settings. `clock` gives Unix seconds."""

    def __init__(self, keys: Keys, settings: AuthSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock

    async def read(self, token: str) -> Session:
        """Give the session that a token opens, or raise `Refused`."""
        header = header_of(token)
        if SPELLINGS.get(header.alg, header.alg) not in self._settings.algorithms:
            raise unauthenticated(f"A token signed by {header.alg[:20]!r} is not taken here.")
        keys = await self._keys.find(header.kid, header.alg)
        if not keys:
            raise unauthenticated("The token names a key that is not known here.")
        claims = verified(token, header, keys)
        now = self._clock()
        self._check(claims, now)
        try:
            ends = float(claims["exp"])
            return Session(principal(claims, self._settings), ends if ends > now else ends + LEEWAY)
        except BadClaim as error:
            raise unauthenticated(f"The token does not say enough: {error}") from None

    def _check(self, claims: dict[str, Any], now: float) -> None:
        settings = self._settings
        expected: dict[str, Any] = {"exp": {"essential": True}, "sub": {"essential": True}}
        if settings.issuer:
            expected["iss"] = {"essential": True, "value": settings.issuer}
        if settings.audience:
            expected["aud"] = {"essential": True, "values": list(settings.audience)}
        elif "aud" in claims:
            raise unauthenticated("The token is for an audience, and QUARTERDECK_AUTH_AUDIENCE names none.")
        try:
            jwt.JWTClaimsRegistry(now=int(now), leeway=LEEWAY, **expected).validate(claims)
        except ClaimError as error:
            _refuse_claim(error)
        except (TypeError, ValueError):
            raise unauthenticated("A claim of the token is of the wrong type.") from None
        if claims["exp"] > LATEST:
            raise unauthenticated("The token's `exp` must be a time in seconds.")


def _refuse_claim(error: ClaimError) -> NoReturn:
    match error:
        case ExpiredTokenError():
            reason = "The token has expired."
        case MissingClaimError():
            reason = f"The token lacks `{error.claim}`."
        case InvalidClaimError() if error.claim in ("nbf", "iat"):
            reason = "The token is not valid yet."
        case _:
            reason = f"The token's `{error.claim}` is not the one that this server expects."
    raise unauthenticated(reason) from None


def header_of(token: str) -> Header:
    """Read a token's header, or raise `Refused`."""
    try:
        first = token.split(".", 1)[0].encode()
        return msgspec.json.decode(base64.urlsafe_b64decode(first + b"=" * (-len(first) % 4)), type=Header)
    except (*UNREADABLE, UnicodeError, binascii.Error):
        raise unauthenticated("That is no token.") from None


def verified(token: str, header: Header, keys: Sequence[VerifyingKey]) -> dict[str, Any]:
    """Give the claims of a token that one of the keys has signed, or raise `Refused`."""
    registry = JWSRegistry(algorithms=[header.alg], strict_check_header=False)
    for key in keys:
        try:
            with unwarned():  # that EdDSA has a new name
                return dict(jwt.decode(token, key.key, registry=registry).claims)
        except BadSignatureError:
            continue
        except (JoseError, *UNFORESEEN) as error:
            raise _unreadable(error) from None
    raise unauthenticated("The token's signature is not right.")


def _unreadable(error: Exception) -> Refused:
    return unauthenticated(f"The token cannot be read: {str(error)[:200]}")
