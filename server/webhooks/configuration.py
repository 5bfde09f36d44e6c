"""Webhooks of the configuration: what the operator says, and what the projects of crews do.

The variable `QUARTERDECK_WEBHOOKS` (a list in JSON, or the path of a TOML file with one, `[[webhooks]]`) is for all
crews, or for those that an entry names. The key `webhooks` in a project's files, and in the operator's file about crews
(`QUARTERDECK_CONFIG`), is for the crews of that file, or under `crews.NAME` for one; the latest that says it counts.
Every process reads them for itself, so that their secrets stay out of Redis.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from protocol.webhooks import USUAL, Format, HookEvent
from server import projects
from server.projects import BadProject, Table
from server.settings import BadSetting, Settings
from server.webhooks import addresses, signing
from server.webhooks.addresses import Allow
from server.webhooks.subscriptions import Configured, Endpoint, Subscriptions

VARIABLE, KEY = "QUARTERDECK_WEBHOOKS", "webhooks"
#: What is told of a path that cannot be read; anything else may be an address, or have a secret in it.
PATH = re.compile(r"(?!.*://)[^{}\"'\n]+")


class Declared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry. `secret_env` names the variable that holds the secret, for files that others may read."""

    url: Annotated[str, Meta(min_length=1)]
    events: list[HookEvent] = []
    format: Format = "standard"
    secret: str | None = None
    secret_env: str | None = None
    crews: list[str] = []


def subscriptions(settings: Settings, environ: Mapping[str, str] = os.environ) -> Subscriptions:
    """Read all of it, or raise `BadSetting`, which names what is wrong and tells no secret."""
    allow = allowed(settings)
    found = [
        _configured(entry, (), f"{VARIABLE}, entry {number}", allow, environ)
        for number, entry in enumerate(_of_variable(settings.webhooks), 1)
    ]
    for name, target in settings.crews.items():
        said = [table for table in _tables(name, target, settings) if KEY in table.content]
        for table in said[-1:]:
            entries = _list(table.content[KEY], table.where)
            found += [
                _configured(entry, (name,), f"{table.where} {KEY}, entry {number}", allow, environ)
                for number, entry in enumerate(entries, 1)
            ]
    if len({each.endpoint.ident: each.endpoint.secret for each in found}.items()) < len(
        {(each.endpoint.ident, each.endpoint.secret) for each in found}
    ):
        raise BadSetting(f"{VARIABLE}, or `{KEY}` in a file: one address is given with two secrets.")
    return Subscriptions(found, allow=allow)


def allowed(settings: Settings) -> Allow:
    """Read which private addresses may be called."""
    try:
        return Allow.read(settings.webhook_allow)
    except ValueError as error:
        raise BadSetting(f"QUARTERDECK_WEBHOOK_ALLOW: {error}.") from None


def _of_variable(text: str) -> Sequence[Any]:
    if not text.strip():
        return ()
    if not text.lstrip().startswith("["):
        if not PATH.fullmatch(text):
            raise BadSetting(f"{VARIABLE} is neither a list in JSON nor the path of a TOML file.")
        try:
            return _list(projects.read_toml(Path(text).expanduser()).get(KEY), f"{VARIABLE}={text}")
        except BadProject as error:
            raise BadSetting(f"{VARIABLE}: {error}") from None
    try:
        return _list(msgspec.json.decode(text), VARIABLE)
    except msgspec.DecodeError as error:
        raise BadSetting(f"{VARIABLE} is neither a list in JSON nor the path of a TOML file: {error}.") from None


def _list(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise BadSetting(f"{where}: `{KEY}` must be a list of tables.")
    return value


def _tables(name: str, target: str, settings: Settings) -> Iterator[Table]:
    """Give the tables that may say something about a crew, the one that counts less first."""
    home = settings.project if projects.is_module(target) else projects.root_of(Path(target))
    try:
        files = projects.tables(home)
        if settings.config:
            files.append(Table(str(settings.config), projects.read_toml(settings.config)))
    except BadProject:
        return  # the crew is broken by this, which is told where crews are listed
    for file in files:
        yield file
        crews = file.content.get("crews")
        named = crews.get(name) if isinstance(crews, Mapping) else None
        if isinstance(named, Mapping):
            yield Table(f"{file.where}, crews.{name}", named)


def _configured(entry: Any, crews: tuple[str, ...], where: str, allow: Allow, environ: Mapping[str, str]) -> Configured:
    try:
        declared = msgspec.convert(entry, Declared)
    except msgspec.ValidationError as error:
        raise BadSetting(f"{where}: {error}.") from None
    secret = _secret(declared, where, environ)
    if problem := addresses.problem_of(declared.url, allow):
        raise BadSetting(f"{where}: its url cannot be called: {problem}.")
    if secret is not None and (problem := signing.problem_of(secret)):
        raise BadSetting(f"{where}: its secret cannot sign: {problem}.")
    endpoint = Endpoint(
        url=declared.url, events=list(declared.events or USUAL), format=declared.format, secret=secret
    )  # fmt: skip
    return Configured(endpoint=endpoint, crews=crews or tuple(declared.crews))


def _secret(declared: Declared, where: str, environ: Mapping[str, str]) -> str | None:
    if declared.secret_env is None:
        return declared.secret
    if declared.secret is not None:
        raise BadSetting(f"{where} has both a secret and a secret_env.")
    if not environ.get(declared.secret_env):
        raise BadSetting(f"{where}: the variable {declared.secret_env} of its secret_env is not set.")
    return environ[declared.secret_env]
