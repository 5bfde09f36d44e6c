"""From the settings to what reads tokens. The library for it is imported only where tokens are taken."""

from typing import TYPE_CHECKING

from server.settings import AuthSettings, BadSetting

if TYPE_CHECKING:
    from server.auth.keyset import VerifyingKey
    from server.auth.tokens import Tokens


def make_tokens(settings: AuthSettings) -> "Tokens | None":
    """Make what reads tokens; None where none are taken. Raises `BadSetting` for keys that cannot be used."""
    if not settings.tokens:
        return None
    from server.auth.tokens import OwnKeys, Tokens

    if settings.jwks_url:
        from server.auth.jwks import RemoteKeys

        return Tokens(RemoteKeys(settings.jwks_url), settings)
    keys = own_keys(settings)
    if not {key.algorithm for key in keys} & set(settings.algorithms):
        kinds = ", ".join(sorted({key.algorithm for key in keys}))
        raise BadSetting(f"QUARTERDECK_AUTH_ALGORITHMS leaves nothing to check with a key for {kinds}.")
    return Tokens(OwnKeys(keys), settings)


def own_keys(settings: AuthSettings) -> "list[VerifyingKey]":
    """Read the keys that the settings give, or raise `BadSetting`, which never shows one."""
    from server.auth.keyset import BadKey, from_text

    name = "QUARTERDECK_AUTH_KEY" if settings.key else f"QUARTERDECK_AUTH_KEY_FILE={settings.key_file}"
    try:
        return from_text(settings.key or _content(settings))
    except BadKey as error:
        raise BadSetting(f"{name} cannot be used: {error}.") from None


def _content(settings: AuthSettings) -> str:
    assert settings.key_file is not None, "one of the two is set"
    try:
        return settings.key_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"QUARTERDECK_AUTH_KEY_FILE={settings.key_file} cannot be read: {error}.") from None
