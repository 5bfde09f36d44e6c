"""From what a token says to the principal that it speaks of. Pure."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from server.auth.principal import Principal, Role
from server.settings import AuthSettings
from server.settings.auth import is_tenant

#: Longer subjects and names are refused, or cut.
LONGEST = 200


class BadClaim(ValueError):
    """Raised for a token that does not say who it speaks of; the message is for whoever sent it."""


def principal(claims: Mapping[str, Any], settings: AuthSettings) -> Principal:
    """Read the principal out of the claims, or raise `BadClaim`."""
    subject = claims.get("sub")
    if not _is_text(subject) or not 0 < len(subject) <= LONGEST:
        raise BadClaim(f"`sub` must be a text of 1 to {LONGEST} letters.")
    name = find(claims, settings.name_claim)
    return Principal(
        id=subject,
        name=name.strip()[:LONGEST] if _is_text(name) and name.strip() else subject,
        tenant=_tenant(find(claims, settings.tenant_claim), settings),
        roles=roles(find(claims, settings.roles_claim)),
    )


def find(claims: Mapping[str, Any], name: str) -> Any:
    """Find a claim by its name, or by its path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    first, dot, rest = name.partition(".")
    inner = claims.get(first)
    return find(inner, rest) if dot and isinstance(inner, Mapping) else None


def _is_text(claim: Any) -> TypeGuard[str]:
    """Tell whether a claim can be written down: JSON may name one half of a letter alone."""
    return isinstance(claim, str) and not any("\ud800" <= letter <= "\udfff" for letter in claim)


def _tenant(claim: Any, settings: AuthSettings) -> str:
    if claim is None:
        return settings.tenant
    if not isinstance(claim, str) or not is_tenant(claim):
        raise BadClaim(
            f"`{settings.tenant_claim}` must be made of 1 to 100 letters, digits, dots, dashes, underscores."
        )
    return claim


def roles(claim: Any) -> frozenset[Role]:
    """Read a list of roles, or a text of them; those that mean nothing here are passed over."""
    named = claim.replace(",", " ").split() if isinstance(claim, str) else claim
    if not isinstance(named, list):
        return frozenset()
    return frozenset(Role(name) for name in named if isinstance(name, str) and name in set(Role))
