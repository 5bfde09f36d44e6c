"""Settings, from the environment. Every one has a default that works on a laptop."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, cast

from server import projects
from server.prices import BadPrices, Prices
from server.quota import BadRate, Limits
from server.settings.auth import AuthSettings
from server.settings.origins import origins
from server.settings.reading import OFF, ON, BadSetting, flag, is_loopback, number, words

__all__ = ["AuthSettings", "BadSetting", "Settings", "is_loopback", "registrations"]

DEMO = "content=server.demo.crew:ContentPlan"
ROLES = ("web", "worker")
LogFormat = Literal["auto", "json", "console"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator may set. Times are in seconds unless the type says otherwise."""

    host: str = "127.0.0.1"
    port: int = 8000
    worker_port: int = 0
    data: Path = Path(".quarterdeck")
    redis_url: str | None = None
    roles: tuple[str, ...] | None = None
    crews: Mapping[str, str] = field(default_factory=dict)
    default_crew: str = ""
    project: Path = Path()
    config: Path | None = None
    workers: int = 1
    slots: int = 32
    hot_seconds: int = 30
    retention: timedelta = timedelta(days=30)
    origins: tuple[str, ...] = ()
    rate_limits: Limits | None = field(default_factory=Limits.read)
    insecure: bool = False
    auth: AuthSettings = field(default_factory=AuthSettings)
    log: LogFormat = "auto"
    prices: Prices = field(default_factory=Prices)
    webhooks: str = ""
    webhook_allow: tuple[str, ...] = ()
    webhook_seconds: int = 15
    public_url: str = "http://127.0.0.1:8000"

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from an environment, or raise `BadSetting`."""
        host = environ.get("QUARTERDECK_HOST", "127.0.0.1")
        auth, insecure = AuthSettings.read(environ), flag(environ, "QUARTERDECK_INSECURE", default=False)
        if not is_loopback(host) and not auth.required and not insecure:
            raise BadSetting(
                f"QUARTERDECK_HOST={host} would let anyone on the network drive this server, because it asks nobody "
                "who they are. Set QUARTERDECK_AUTH_KEY, QUARTERDECK_AUTH_KEY_FILE or QUARTERDECK_AUTH_JWKS_URL, or "
                "QUARTERDECK_AUTH=on for API keys alone; or use 127.0.0.1; or, where something in front of it keeps "
                "strangers out, say --insecure (QUARTERDECK_INSECURE=on)."
            )
        log = environ.get("QUARTERDECK_LOG", "auto")
        if log not in ("auto", "json", "console"):
            raise BadSetting(f"QUARTERDECK_LOG={log} is none of auto, json, console.")
        crews = registrations(environ.get("QUARTERDECK_CREWS") or DEMO)
        port = number(environ, "PORT", 8000, highest=65_535, lowest=0)
        return cls(
            host=host,
            port=port,
            worker_port=number(environ, "QUARTERDECK_WORKER_PORT", 0, highest=65_535, lowest=0),
            data=Path(environ.get("QUARTERDECK_DATA") or ".quarterdeck"),
            redis_url=environ.get("QUARTERDECK_REDIS_URL") or None,
            roles=_roles(environ.get("QUARTERDECK_ROLES")),
            crews=crews,
            default_crew=_default_crew(environ.get("QUARTERDECK_DEFAULT_CREW"), crews),
            project=Path(environ.get("QUARTERDECK_PROJECT") or ".").resolve(),
            config=_config(environ.get("QUARTERDECK_CONFIG")),
            workers=number(environ, "QUARTERDECK_WORKERS", 1, highest=64),
            slots=number(environ, "QUARTERDECK_SLOTS", 32, highest=1000),
            hot_seconds=number(environ, "QUARTERDECK_HOT_SECONDS", 30, highest=86_400, lowest=0),
            retention=timedelta(days=number(environ, "QUARTERDECK_RETENTION_DAYS", 30, highest=36_500)),
            origins=origins(words(environ.get("QUARTERDECK_ORIGINS", ""))),
            rate_limits=_rate_limits(environ.get("QUARTERDECK_RATE_LIMITS", "")),
            insecure=insecure,
            auth=auth,
            log=cast("LogFormat", log),
            prices=_prices(environ.get("QUARTERDECK_PRICES")),
            webhooks=environ.get("QUARTERDECK_WEBHOOKS", ""),
            webhook_allow=tuple(words(environ.get("QUARTERDECK_WEBHOOK_ALLOW", ""))),
            webhook_seconds=number(environ, "QUARTERDECK_WEBHOOK_SECONDS", 15, highest=60),
            public_url=_public_url(environ.get("QUARTERDECK_PUBLIC_URL") or f"http://{host}:{port}"),
        )


def registrations(text: str) -> dict[str, str]:
    """Read `name=module:attr,name=PATH,PATH,…`; each name once. A path alone has the names that its project gives."""
    found: dict[str, str] = {}
    for part in words(text):
        for name, target in _registration(part).items():
            if name in found:
                raise BadSetting(f"QUARTERDECK_CREWS: the name {name!r} is given twice.")
            found[name] = target
    return found


def _registration(part: str) -> dict[str, str]:
    name, equals, target = (piece.strip() for piece in part.partition("="))
    if not equals:
        return _project(name)
    if name and projects.is_module(target):
        return {name: target}
    if not name or not ("/" in target or Path(target).exists()):
        raise BadSetting(f"QUARTERDECK_CREWS: {part!r} is not of the form name=module:attr, name=PATH or PATH.")
    return {name: str(Path(target).expanduser().resolve())}


def _project(text: str) -> dict[str, str]:
    try:
        path = projects.checked(Path(text))
        return dict.fromkeys(projects.names_in(path), str(path))
    except projects.BadProject as error:
        raise BadSetting(f"QUARTERDECK_CREWS: {text!r} is no name=module:attr. {error}") from error


def _default_crew(name: str | None, crews: Mapping[str, str]) -> str:
    """Choose the crew that runs where a request names none; the first, unless one is named."""
    if name and name not in crews:
        raise BadSetting(f"QUARTERDECK_DEFAULT_CREW={name} is no crew of QUARTERDECK_CREWS: {', '.join(crews)}.")
    return name or next(iter(crews), "")


def _public_url(text: str) -> str:
    """Check the address that people see the page at; links are made of it."""
    if not text.startswith(("http://", "https://")) or any(letter in text for letter in " <>|?#\"'"):
        raise BadSetting(f"QUARTERDECK_PUBLIC_URL={text} is not the address of a page, such as https://crews.example.")
    return text.rstrip("/")


def _rate_limits(text: str) -> Limits | None:
    """Read `on`, `off`, or what is to be changed of the limits: `starts=10/minute,address.starts=100/minute`."""
    if text.lower() in OFF:
        return None
    try:
        return Limits.read(() if text.lower() in ON else words(text))
    except BadRate as error:
        raise BadSetting(f"QUARTERDECK_RATE_LIMITS: {error}.") from error


def _config(text: str | None) -> Path | None:
    if not text:
        return None
    path = Path(text).expanduser().resolve()
    if not path.is_file():
        raise BadSetting(f"QUARTERDECK_CONFIG={text} is no file.")
    return path


def _prices(text: str | None) -> Prices:
    """Read a TOML file of what models cost."""
    if not text:
        return Prices()
    try:
        return Prices.read(projects.read_toml(Path(text).expanduser()))
    except (projects.BadProject, BadPrices) as error:
        raise BadSetting(f"QUARTERDECK_PRICES={text}: {error}") from None


def _roles(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    roles = tuple(words(text))
    if not roles or set(roles) - set(ROLES):
        raise BadSetting(f"QUARTERDECK_ROLES={text} is not made of web and worker.")
    return roles
