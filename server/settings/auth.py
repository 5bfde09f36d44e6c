"""Who may speak: where the keys are that tokens are signed with, and what a token must say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from server.settings.reading import BadSetting, flag, is_loopback, words

PREFIX = "QUARTERDECK_AUTH"
#: Behind the prefix: where keys are, and what else there is to be said.
KEYS = ("KEY", "KEY_FILE", "JWKS_URL")
OTHERS = ("ISSUER", "AUDIENCE", "ALGORITHMS", "TENANT", "TENANT_CLAIM", "ROLES_CLAIM", "NAME_CLAIM")
#: Algorithms that a token may be signed with.
ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
#: What a tenant may be called: it is a part of keys in Redis, where other signs mean something.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: The tenant of tokens that name none: what was started before anybody was asked stays in sight.
TENANT = "open"


@dataclass(frozen=True, kw_only=True)
class AuthSettings:
    """How people and programs prove who they are, if that is `required`.

    API keys are taken then; tokens too, if one of `key`, `key_file` and `jwks_url` is given.
    """

    required: bool = False
    key: str = field(default="", repr=False)
    key_file: Path | None = None
    jwks_url: str = ""
    issuer: str = ""
    audience: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ALGORITHMS
    tenant: str = TENANT
    tenant_claim: str = "tenant"
    roles_claim: str = "roles"
    name_claim: str = "name"

    @property
    def tokens(self) -> bool:
        """Whether tokens are taken."""
        return bool(self.key or self.key_file or self.jwks_url)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "AuthSettings":
        """Read the settings from an environment, or raise `BadSetting`."""

        def text(name: str, default: str = "") -> str:
            return environ.get(f"{PREFIX}_{name}") or default

        read = cls(
            required=flag(environ, PREFIX, default=False),
            key=text("KEY"),
            key_file=Path(text("KEY_FILE")).expanduser().resolve() if text("KEY_FILE") else None,
            jwks_url=text("JWKS_URL"),
            issuer=text("ISSUER"),
            audience=tuple(words(text("AUDIENCE"))),
            algorithms=tuple(words(text("ALGORITHMS"))) or ALGORITHMS,
            tenant=text("TENANT", TENANT),
            tenant_claim=text("TENANT_CLAIM", "tenant"),
            roles_claim=text("ROLES_CLAIM", "roles"),
            name_claim=text("NAME_CLAIM", "name"),
        )
        return _checked(read, environ)


def is_tenant(name: str) -> bool:
    """Tell whether a tenant may be called so."""
    return NAME.fullmatch(name) is not None


def _checked(read: AuthSettings, environ: Mapping[str, str]) -> AuthSettings:
    given = [name for name in KEYS if environ.get(f"{PREFIX}_{name}")]
    meant = [name for name in environ if name.startswith(f"{PREFIX}_") and environ[name]]
    for name in meant:
        if name.removeprefix(f"{PREFIX}_") not in (*KEYS, *OTHERS):
            raise BadSetting(f"{name} is no setting; there is {PREFIX} with _{', _'.join((*KEYS, *OTHERS))}.")
    if len(given) > 1:
        raise BadSetting(f"{PREFIX}_{given[0]} and {PREFIX}_{given[1]} are both set: give the keys in one way.")
    if unknown := set(read.algorithms) - set(ALGORITHMS):
        raise BadSetting(f"{PREFIX}_ALGORITHMS has {', '.join(sorted(unknown))}; there is {', '.join(ALGORITHMS)}.")
    if not is_tenant(read.tenant):
        raise BadSetting(f"{PREFIX}_TENANT={read.tenant} is not made of letters, digits, dots, dashes and underscores.")
    if read.jwks_url:
        _check_url(read)
    if not given and meant and not read.required:
        raise BadSetting(
            f"{meant[0]} asks nobody who they are: set {PREFIX}_KEY, {PREFIX}_KEY_FILE or {PREFIX}_JWKS_URL too, or "
            f"{PREFIX}=on for API keys alone."
        )
    if not given:
        return read
    if environ.get(PREFIX) and not read.required:
        raise BadSetting(f"{PREFIX}={environ[PREFIX]} contradicts {PREFIX}_{given[0]}: leave one of them out.")
    return AuthSettings(**{**read.__dict__, "required": True})


def _check_url(read: AuthSettings) -> None:
    parts = urlsplit(read.jwks_url)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        raise BadSetting(f"{PREFIX}_JWKS_URL={read.jwks_url} is no https address: on the way, keys could be exchanged.")
    if not read.issuer or not read.audience:
        raise BadSetting(
            f"{PREFIX}_JWKS_URL needs {PREFIX}_ISSUER and {PREFIX}_AUDIENCE: whoever signs there also signs for others."
        )
