"""One command starts everything and one key ends it; what cannot start says why in one line; nothing stays behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from tests.support.client import Client, Follower, connected
from tests.support.processes import START_LIMIT, Process, environment
from tests.support.story import TASKS, Storyteller, told
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
READY = re.compile(r"Quarterdeck is ready at http://127\.0\.0\.1:(\d+)\n")
#: Whoever presses Ctrl-C waits no longer than this, in seconds.
PATIENCE = 10.0
TAKEOVER = 15.0
#: A start takes this long on a machine that has a processor to spare, in seconds; how much longer it took, a takeover
#: by a worker that must be started may take longer, too.
START = 7.0


class Serve(Process):
    """`python -m server`, as in the first lines of the manual."""

    def __init__(self, folder: Path, model: str) -> None:
        settings = {"PORT": "0", "QUARTERDECK_DATA": "data", "QUARTERDECK_CREWS": "story=story:crew"}
        super().__init__("", folder, environment(folder, TEST_MODEL=model, **settings))

    async def ready(self) -> int:
        """Wait for the line that says so, and give the port in it."""
        await wait_until(
            lambda: READY.fullmatch(self.out) is not None, description="serve is ready", timeout=START_LIMIT
        )
        found = READY.fullmatch(self.out)
        assert found
        return int(found[1])

    def family(self) -> dict[str, psutil.Process]:
        """Name the processes that it started: its children, and those that were told of its data folder."""
        found = psutil.Process(self.pid).children() if self.alive else []
        return {kind(process): process for process in [*found, *self.keepers()]}

    def keepers(self) -> list[psutil.Process]:
        """Find Valkey and its supervisor, which belong to nobody, so that they can go last."""
        data = str(self.folder.resolve() / "data")
        every = psutil.process_iter(["cmdline"])
        return [process for process in every if any(data in word for word in process.info["cmdline"] or [])]


def kind(process: psutil.Process) -> str:
    command = process.cmdline()
    if command[-1] in ("web", "worker"):
        return command[-1]
    return "supervisor" if any(word.endswith("supervisor.py") for word in command) else "valkey"


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def serve(tales: Storyteller) -> Iterator[Serve]:
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        serve = Serve(Path(folder), tales.server.url)
        serve.start()
        yield serve
        family = sorted(serve.family().items())  # the supervisor before the server that it would start again
        serve.clear()
        for _, process in family:
            if not gone(process):
                process.kill()


async def start(client: Client, topic: str, *checkpoints: str) -> str:
    reply = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=list(checkpoints))
    return str(reply["execution"])


async def test_what_waits_survives_stop_and_start(serve: Serve, topic: str, tales: Storyteller) -> None:
    async with connected(await serve.ready()) as client:
        execution = await start(client, topic, "agree")
        draft = await client.question(execution, "agree")
        family = serve.family()
        assert set(family) == {"web", "worker", "supervisor", "valkey"}
        order = await stop(serve, signal.SIGINT, family)
        assert await client.closed() == (4200, "draining")
    assert set(order[:2]) == {"web", "worker"}
    serve.start()
    async with connected(await serve.ready()) as client:
        reply = await client.command("watch", execution=execution)
        assert reply["checkpoints"] == [draft]
        await client.decide(draft, "approve")
        end = await client.end(execution)
        assert (end["type"], end["data"]["output"]) == ("execution.completed", told("publish", topic))
        offsets = [event["offset"] for event in client.events(execution)]
        assert offsets == list(range(1, len(offsets) + 1))
    assert [tales.calls(task, topic) for task in TASKS] == [1, 1, 1]
    await stop(serve, signal.SIGTERM, serve.family())


async def stop(serve: Serve, number: signal.Signals, family: dict[str, psutil.Process]) -> list[str]:
    """End it by a signal to the parent alone; give the order in which its processes went."""
    serve.send(number)
    order: list[str] = []

    def all_gone() -> bool:
        order.extend(name for name, process in family.items() if name not in order and gone(process))
        return len(order) == len(family) and not serve.alive

    await wait_until(all_gone, description="everything has ended", timeout=PATIENCE)
    assert serve.wait() == 0
    assert "Traceback" not in serve.err
    return order


async def test_whoever_dies_is_replaced_and_nobody_outlives_the_parent(
    serve: Serve, topic: str, tales: Storyteller
) -> None:
    began = time.monotonic()
    port = await serve.ready()
    late = max(0.0, time.monotonic() - began - START)
    release = tales.hold("polish", topic)
    async with connected(port) as client:
        execution = await start(client, topic)
        async with Follower(port, execution) as follower:
            await wait_until(lambda: tales.calls("polish", topic) == 1, description="it is in the middle of a task")
            before = serve.family()
            before["worker"].kill()
            killed = time.monotonic()
            await client.find("execution.recovered", execution)
            assert time.monotonic() - killed < TAKEOVER + late
            before["valkey"].kill()
            before["web"].kill()
            release()
            await follower.ended.wait()
    assert [event["offset"] for event in follower.events] == list(range(1, len(follower.events) + 1))
    assert follower.events[-1]["data"]["output"] == told("publish", topic)
    assert follower.losses > 0
    assert [tales.calls(task, topic) for task in TASKS] == [1, 2, 1]
    after = serve.family()
    assert {name for name in before if before[name].pid != after[name].pid} == {"worker", "web", "valkey"}
    serve.stop(signal.SIGKILL)
    for name, process in after.items():
        await wait_until(lambda p=process: gone(p), description=f"{name} has ended", timeout=PATIENCE)


#: Serves a part that breaks by itself, once it is served.
BREAKS = """
import sys
import anyio
from server.cli import process
from server.settings import Settings

class Part:
    def routes(self): return []
    def checks(self): return {}
    def measures(self): return []
    def guard(self, app): pass
    async def drain(self): pass
    async def __aenter__(self):
        self.group = await anyio.create_task_group().__aenter__()
        self.group.start_soon(self.fail)
    async def fail(self): raise RuntimeError("The rudder is off.")
    async def __aexit__(self, *error): return await self.group.__aexit__(*error)

process.make_parts = lambda *_: [Part()]
sys.exit(process.run(Settings.read(), ("web",)))
"""


def test_a_process_that_has_broken_inside_ends(redis_server: str, short_path: Path) -> None:
    """Else it would go on saying that it is alive, and never again do anything; whoever watches it starts it again."""
    environ = environment(short_path, QUARTERDECK_REDIS_URL=redis_server, PORT="0")
    command = [sys.executable, "-c", BREAKS]
    run = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 1
    assert "The rudder is off." in run.stderr
    assert '"broken": true' in run.stderr


def refusal(*arguments: str, **settings: str) -> str:
    """Run the server, which must end by itself with one line; give the line."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        environ = {**environment(Path(folder)), "PORT": "0", "QUARTERDECK_DATA": f"{folder}/data", **settings}
        command = [sys.executable, "-m", "server", *arguments]
        run = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode in (1, 2)
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert line.startswith("quarterdeck: ")
    return line


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_a_port_that_is_in_use(command: str, redis_server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        name = "QUARTERDECK_WORKER_PORT" if command == "worker" else "PORT"
        line = refusal(command, **{name: str(port), "QUARTERDECK_REDIS_URL": redis_server})
    assert f"Port {port} on 127.0.0.1 is in use" in line
    assert f"Set {name}" in line


def test_a_data_folder_that_cannot_be_written() -> None:
    line = refusal(QUARTERDECK_DATA=f"{os.devnull}/x")
    assert f"{os.devnull}/x cannot be written" in line
    assert "QUARTERDECK_DATA" in line


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_a_redis_that_needs_a_password(command: str, short_path: Path) -> None:
    valkey = Valkey(short_path)
    valkey.start()
    try:
        with redis.Redis(unix_socket_path=valkey.socket) as client:
            client.config_set("requirepass", "open sesame")
        assert "needs a password" in refusal(command, QUARTERDECK_REDIS_URL=valkey.url)
        line = refusal(command, QUARTERDECK_REDIS_URL=f"unix://:hunter2@{valkey.socket}")
        assert "password" in line
        assert "hunter2" not in line
    finally:
        valkey.stop(signal.SIGKILL)


def test_a_redis_that_is_not_there() -> None:
    line = refusal(QUARTERDECK_REDIS_URL="redis://somebody:hunter2@127.0.0.1:1/0")
    assert "Redis at redis://127.0.0.1:1/0 cannot be reached" in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("info", "said"),
    [("redis_version:6.2.14", "Redis 6.2.14"), ("redis_version:7.2.4\r\nvalkey_version:7.2.5", "Valkey 7.2.5")],
)
def test_a_redis_that_is_too_old(info: str, said: str) -> None:
    with old_server(f"# Server\r\n{info}\r\n") as port:
        line = refusal(QUARTERDECK_REDIS_URL=f"redis://127.0.0.1:{port}")
    assert f"{said} at redis://127.0.0.1:{port} is too old" in line


@contextmanager
def old_server(info: str) -> Iterator[int]:
    """Answer INFO, and take every other command kindly, until the last client is gone."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            while words := connection.recv(4096).upper():
                for word in re.findall(rb"\$\d+\r\n(HELLO|CLIENT|INFO|SELECT)\r\n", words):
                    replies = {
                        b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n",
                        b"INFO": b"$%d\r\n%s\r\n" % (len(info), info.encode()),
                    }
                    connection.sendall(replies.get(word, b"+OK\r\n"))

    thread = threading.Thread(target=answer)
    thread.start()
    with listening:
        yield listening.getsockname()[1]
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "tea"), ("PORT", "70000"), ("QUARTERDECK_SLOTS", "0"), ("QUARTERDECK_CREWS", "story"),
     ("QUARTERDECK_ROLES", "cook"), ("QUARTERDECK_RATE_LIMITS", "maybe"), ("QUARTERDECK_LOG", "loud"),
     ("QUARTERDECK_HOST", "0.0.0.0"), ("QUARTERDECK_REDIS_URL", "http://127.0.0.1")],
)  # fmt: skip
def test_a_setting_that_makes_no_sense(name: str, value: str) -> None:
    line = refusal(**{name: value})
    assert value in line
