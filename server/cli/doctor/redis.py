"""Redis: is it there, is it new enough, does it keep what it is given, does its clock agree with ours."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server import embedded
from server.cli.doctor.finding import Finding, bad, doubtful, good
from server.settings import Settings
from server.store import client

#: Clocks that differ by more than this make deadlines and timelines wrong, in seconds.
SKEW = 2.0


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the Redis that the settings name, or at what the embedded one needs."""
    if settings.redis_url is None:
        yield from _embedded(settings.data)
        return
    try:
        client.check(settings.redis_url)
    except client.BadRedis as error:
        yield bad(str(error), "Start one there, or leave QUARTERDECK_REDIS_URL out: a Valkey is then embedded.")
        return
    connection = client.connect_blocking(settings.redis_url)
    try:
        information: Any = connection.info()
        seconds, micros = connection.time()
        yield from judge(information, seconds + micros / 1e6 - time.time())
    finally:
        connection.close()


def _embedded(data: Path) -> Iterator[Finding]:
    folder = data.absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        yield bad(f"The data folder {folder} cannot be written.", "Set QUARTERDECK_DATA to one that can.")
        return
    try:
        binary = embedded.binary()
    except embedded.EmbeddedFailed as error:
        yield bad(str(error), "Set QUARTERDECK_REDIS_URL to a Redis or Valkey of your own.")
        return
    yield good(f"The embedded Valkey keeps everything in {folder} ({binary}).")


def judge(information: Mapping[str, Any], skew: float) -> Iterator[Finding]:
    """Judge what `INFO` tells, and how far its clock is from ours, in seconds. Pure."""
    name = "Valkey" if "valkey_version" in information else "Redis"
    version = information.get("valkey_version") or information.get("redis_version")
    yield good(f"{name} {version} answers.")
    policy = information.get("maxmemory_policy", "noeviction")
    if int(information.get("maxmemory", 0)) and policy != "noeviction":
        yield bad(
            f"{name} throws keys away when its memory is full ({policy}): executions would be lost.",
            "Set `maxmemory-policy noeviction`.",
        )
    if not int(information.get("aof_enabled", 0)):
        yield doubtful(
            f"{name} keeps no append-only file: what was acknowledged since its last snapshot is lost in a crash.",
            "Set `appendonly yes`.",
        )
    else:
        yield good(f"{name} keeps an append-only file.")
    if information.get("role") not in (None, "master"):
        yield bad(f"{name} is a replica, which cannot be written to.", "Name the primary in QUARTERDECK_REDIS_URL.")
    if information.get("cluster_enabled"):
        yield bad(f"{name} runs as a cluster, which is not supported yet.", "Use a single primary.")
    if abs(skew) > SKEW:
        yield doubtful(
            f"Its clock differs from this machine's by {skew:+.1f} s: deadlines and timelines are off by that.",
            "Let both keep their time by NTP.",
        )
