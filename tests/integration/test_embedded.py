"""The embedded server: one for all who share a data folder, durable, gone with its last user."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import redis

from server import embedded
from tests.support.waiting import wait_until

HOLD = """
import sys, pathlib
from server import embedded
share = embedded.start(pathlib.Path(sys.argv[1]))
print(share.url, flush=True)
sys.stdin.read()
"""


def client(share: embedded.Embedded) -> redis.Redis:
    return redis.Redis.from_url(share.url)


def answers(share: embedded.Embedded) -> bool:
    return embedded.answers(share.url.removeprefix("unix://"))


async def gone(share: embedded.Embedded) -> None:
    await wait_until(lambda: not answers(share), description="the server is gone")


async def test_all_who_start_it_share_one_and_the_last_one_ends_it(short_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        shares = list(pool.map(embedded.start, [short_path] * 6))
    pids: set[Any] = set()
    for share in shares:
        with client(share) as connection:
            info: Any = connection.info("server")
            pids.add(info["process_id"])
    assert len(pids) == 1
    for share in shares[1:]:
        share.close()
    assert answers(shares[0])
    shares[0].close()
    await gone(shares[0])


async def test_what_was_acknowledged_survives(short_path: Path) -> None:
    share = embedded.start(short_path)
    with client(share) as connection:
        connection.set("a", "1")
    share.close()
    await gone(share)
    share = embedded.start(short_path)
    with client(share) as connection:
        assert connection.get("a") == b"1"
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    share.close()
    await gone(share)


async def test_a_killed_server_is_started_again_for_its_users(short_path: Path) -> None:
    share = embedded.start(short_path)
    with client(share) as connection:
        connection.set("a", "1")
        info: Any = connection.info("server")
    os.kill(int(info["process_id"]), signal.SIGKILL)
    await wait_until(lambda: answers(share), description="the server is back")
    with client(share) as connection:
        assert connection.get("a") == b"1"
    share.close()
    await gone(share)


def test_a_killed_user_leaves_no_server_behind(short_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(short_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    path = holder.stdout.readline().strip().removeprefix("unix://")
    assert embedded.answers(path)
    holder.kill()
    holder.communicate()
    anyio.run(partial(wait_until, lambda: not embedded.answers(path), description="the server is gone"))


async def test_a_long_path_gets_a_short_socket(short_path: Path) -> None:
    folder = short_path / ("deep-" * 15) / ("deeper-" * 10)
    share = embedded.start(folder)
    assert len(share.url) < 100
    assert (folder / "appendonlydir").is_dir()
    share.close()
    await gone(share)


def test_a_folder_that_cannot_be_written_is_told(short_path: Path) -> None:
    (short_path / "file").touch()
    with pytest.raises(embedded.EmbeddedFailed, match=r"cannot be written.*QUARTERDECK_DATA"):
        embedded.start(short_path / "file" / "data")


def test_a_server_that_does_not_start_is_told(short_path: Path) -> None:
    (short_path / "appendonlydir").touch()  # the server needs a folder of that name
    with pytest.raises(embedded.EmbeddedFailed, match=r"did not start.*valkey\.log"):
        embedded.start(short_path)
