"""Redis clients with every setting that matters written out, and the check that the server is one that will do."""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

#: What a Redis that cannot be reached raises.
OUTAGE = (RedisError, OSError)
#: What a pipeline raises when the server has lost its scripts; see `Scripts.load`.
ScriptsLost = NoScriptError

OLDEST_REDIS = 7
OLDEST_VALKEY = 8
#: A command that is not answered for so long is given up, in seconds.
TIMEOUT = 10.0


class BadRedis(Exception):
    """Raised for a Redis that cannot be used; the message says why and what to do."""


def connect(url: str, *, retry: bool = True) -> redis.asyncio.Redis:
    """Make an asyncio client. With `retry`, a lost connection is tried again for about two seconds.

    Only for commands that may be sent twice: reads, and commits that carry a key.
    """
    backoff = ExponentialWithJitterBackoff(base=0.02, cap=0.5)
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=5,
        retry=AsyncRetry(backoff, 8) if retry else AsyncRetry(NoBackoff(), 0),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
        max_connections=256,
    )


def connect_blocking(url: str) -> redis.Redis:
    """Make a client for a thread."""
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))


def blocking_twin(client: redis.asyncio.Redis) -> redis.Redis:
    """Make a blocking client to where an asyncio client goes."""
    pool = client.connection_pool
    names = ("host", "port", "path", "db", "username", "password")
    settings = {name: value for name, value in pool.connection_kwargs.items() if name in names}
    if "path" in settings:
        settings["unix_socket_path"] = settings.pop("path")
    secure = issubclass(pool.connection_class, redis.asyncio.SSLConnection)
    return redis.Redis(**settings, ssl=secure, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1))


def check(url: str) -> None:
    """Raise `BadRedis` with one clear line unless the server answers, lets us in, and is new enough."""
    try:
        client = connect_blocking(url)
    except ValueError as error:
        raise BadRedis(f"QUARTERDECK_REDIS_URL={shown(url)} cannot be used: {error}") from error
    try:
        info: Any = client.info("server")
    except (AuthenticationError, AuthorizationError, NoPermissionError) as error:
        raise BadRedis(
            f"Redis at {shown(url)} needs a password: {error}. Put it into QUARTERDECK_REDIS_URL."
        ) from error
    except ResponseError as error:
        raise BadRedis(f"Redis at {shown(url)} refused: {error}") from error
    except (RedisError, OSError, ValueError) as error:
        raise BadRedis(f"Redis at {shown(url)} cannot be reached: {error}") from error
    finally:
        client.close()
    _new_enough(info, url)


def _new_enough(info: dict[str, Any], url: str) -> None:
    name, oldest = ("Valkey", OLDEST_VALKEY) if "valkey_version" in info else ("Redis", OLDEST_REDIS)
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    if int(version.split(".")[0]) < oldest:
        raise BadRedis(
            f"{name} {version} at {shown(url)} is too old: Quarterdeck needs Redis {OLDEST_REDIS} or Valkey "
            f"{OLDEST_VALKEY}, or newer."
        )


def shown(url: str) -> str:
    """Write a URL without its password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
