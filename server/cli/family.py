"""`quarterdeck serve`: the embedded Valkey, a web process, workers; whoever dies is started again; Valkey ends last."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import server
from server import embedded
from server.cli import Unavailable
from server.cli.listening import HANDED, address, listen
from server.cli.process import LIFELINE
from server.settings import Settings
from server.store import client

#: How often the children are looked at, in seconds.
LOOK_EVERY = 0.1
#: A child that dies again and again is started again after at most this long, in seconds.
LONGEST_PAUSE = 5.0
#: A child that has not ended so long after it was asked to is killed, in seconds.
END_LIMIT = 25.0
#: After so many deaths without having been ready once, what is wrong will not mend itself.
HOPELESS = 5


@dataclass
class Child:
    """A process that must be up."""

    role: str
    environ: dict[str, str]
    handed: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    again: float = field(default=0.0)

    def start(self) -> None:
        """Start the process, in a session of its own: Ctrl-C is for the parent, which tells the children in order."""
        self.process = subprocess.Popen(
            [sys.executable, *_isolated(), "-m", "server", self.role],
            env=self.environ,
            pass_fds=self.handed,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    def look(self) -> None:
        """Start the process again if it died, each time a little later."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.deaths += 1
            pause = min(LONGEST_PAUSE, 0.1 * 2 ** min(self.deaths, 10))
            print(f"quarterdeck: the {self.role} process ended ({self.process.returncode}), again in {pause:.1f} s",
                  file=sys.stderr, flush=True)  # fmt: skip
            self.process, self.again = None, now + pause
        if self.process is None and now >= self.again:
            self.start()

    def end(self) -> None:
        """Ask the process to end."""
        if self.process is not None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Wait for the end; kill what does not end."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _isolated() -> list[str]:
    """Keep the working directory, which may be a project with modules of our names, from being imported from."""
    return [] if Path.cwd() == Path(server.__file__).parents[1] else ["-P"]


class Family:
    """The processes of one `quarterdeck serve`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ending = False
        self.ready = False

    def run(self) -> int:
        """Run until SIGINT or SIGTERM; give the exit code."""
        listening = listen(self.settings.host, self.settings.port)
        share = None if self.settings.redis_url else embedded.start(self.settings.data)
        url = self.settings.redis_url or (share.url if share else "")
        client.check(url)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)
        lifeline, held = os.pipe()
        children = self._children(listening, url, lifeline, share)
        try:
            self._mind(children, address(listening))
        finally:
            self._finish(children, share)
            os.close(held)
        return 0

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.ending = True

    def _children(
        self, listening: socket.socket, url: str, lifeline: int, share: embedded.Embedded | None
    ) -> list[Child]:
        environ = {**os.environ, "QUARTERDECK_REDIS_URL": url, LIFELINE: str(lifeline)}
        environ.pop("QUARTERDECK_ROLES", None)
        # A child that inherits the share keeps Valkey up while it takes its leave, even when the parent was killed.
        handed = (lifeline, *((share.users.fileno(),) if share else ()))
        web = Child("web", {**environ, HANDED: str(listening.fileno())}, (*handed, listening.fileno()))
        if self.settings.auth.required:  # crews need no key that could sign a token
            environ = {**environ, "QUARTERDECK_AUTH": "on"}
            environ.pop("QUARTERDECK_AUTH_KEY", None)
        return [web, *(Child("worker", environ, handed) for _ in range(self.settings.workers))]

    def _mind(self, children: list[Child], where: str) -> None:
        while not self.ending:
            for child in children:
                child.look()
                if child.deaths >= HOPELESS and not self.ready:
                    raise Unavailable(f"The {child.role} process does not stay up; the lines above say why.")
            if not self.ready and answers(f"{where}/readyz"):
                self.ready = True
                print(f"Quarterdeck is ready at {where}", flush=True)
            time.sleep(LOOK_EVERY)

    def _finish(self, children: list[Child], share: embedded.Embedded | None) -> None:
        until = time.monotonic() + END_LIMIT
        for child in children:
            child.end()
        for child in children:
            child.wait(until)
        if share:
            path = share.url.removeprefix("unix://")
            share.close()
            while embedded.answers(path) and time.monotonic() < until + 5:
                time.sleep(0.02)


def answers(url: str) -> bool:
    """Tell whether a URL answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def serve(settings: Settings) -> int:
    """Run the family."""
    return Family(settings).run()
