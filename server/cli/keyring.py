"""What `quarterdeck keys` does."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from server import embedded
from server.auth import Role
from server.auth.claims import LONGEST
from server.cli import FAILED, Unavailable
from server.cli.remote import show
from server.settings import BadSetting, Settings
from server.settings.auth import is_tenant
from server.store import client
from server.store.apikeys import ApiKey, ApiKeys

DAY = 86_400.0
#: A hundred years.
MOST_DAYS = 36_500
T = TypeVar("T")


def create(name: str, roles: Sequence[str], tenant: str | None, days: float | None, *, as_json: bool) -> int:
    """Make a key and show it; 0."""
    settings = Settings.read()
    wanted, home = _checked(name, roles, tenant or settings.auth.tenant)
    seconds = _seconds(days)
    secret, made = _with_keys(settings, lambda keys: keys.create(name, home, wanted, seconds=seconds))
    if as_json:
        show.as_json({"key": secret, "id": made.id, "name": made.name, "tenant": made.tenant, "roles": made.roles})
        return 0
    print(secret)
    print(f"{made.id} {made.name}: {_roles(made)} in {made.tenant}. It is shown this once.", file=sys.stderr)
    return 0


def _seconds(days: float | None) -> float | None:
    if days is not None and not 0 < days <= MOST_DAYS:  # also what is no number
        raise BadSetting(f"A key ends after more than 0 and at most {MOST_DAYS} days, or, without --days, never.")
    return None if days is None else days * DAY


def _checked(name: str, roles: Sequence[str], tenant: str) -> tuple[list[Role], str]:
    if unknown := set(roles) - set(Role):
        raise BadSetting(f"There is no role {', '.join(sorted(unknown))}: there is {', '.join(Role)}.")
    if not is_tenant(tenant):
        raise BadSetting(
            f"No tenant can be called {tenant!r}: letters, digits, dots, dashes and underscores make a name."
        )
    if not 0 < len(name.strip()) <= LONGEST:
        raise BadSetting(f"A key needs a name of 1 to {LONGEST} letters.")
    return [Role(role) for role in roles], tenant


def show_all(*, as_json: bool) -> int:
    """List the keys; 0."""
    found = _with_keys(Settings.read(), lambda keys: keys.list())
    if as_json:
        for key in found:
            show.as_json(key)
        return 0
    rows = [
        [key.id, key.name, key.tenant, _roles(key), _day(key.created), _day(key.last_used), _day(key.expires)]
        for key in found
    ]
    show.table(["ID", "NAME", "TENANT", "ROLES", "MADE", "LAST USED", "ENDS"], rows)
    return 0


def revoke(ident: str) -> int:
    """End a key; 1 when there is none of that id."""
    if _with_keys(Settings.read(), lambda keys: keys.revoke(ident)):
        print(f"{ident} is revoked.", file=sys.stderr)
        return 0
    print(f"quarterdeck: There is no key {ident}.", file=sys.stderr)
    return FAILED


def _with_keys(settings: Settings, work: Callable[[ApiKeys], Awaitable[T]]) -> T:
    """Do something with the keys in Redis, or in the embedded one, which is started for as long as it takes."""
    share = None if settings.redis_url else embedded.start(settings.data)
    url = settings.redis_url or (share.url if share else "")
    try:
        client.check(url)
        return asyncio.run(_connected(url, work))
    except client.OUTAGE as error:
        raise Unavailable(f"Redis at {client.shown(url)} went away: {error}") from error
    finally:
        if share:
            share.close()


async def _connected(url: str, work: Callable[[ApiKeys], Awaitable[T]]) -> T:
    redis = client.connect(url)
    try:
        return await work(ApiKeys(redis))
    finally:
        await redis.aclose()


def _roles(key: ApiKey) -> str:
    return ", ".join(key.roles)


def _day(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
