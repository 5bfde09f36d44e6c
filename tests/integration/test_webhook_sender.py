"""One call: to the very address that was judged, with the certificate checked for the name."""

import asyncio
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpcore
import pytest
from httpcore._async import connection

from server.webhooks.addresses import NOTHING, Allow
from server.webhooks.records import Outcome
from server.webhooks.sender import Sender
from tests.support.certificates import certificate
from tests.support.receiver import Answer, Receiver

HERE = Allow.read(["127.0.0.0/8"])
HOST = "hooks.example"


class Names:
    """A name service: each lookup of a name gives the next of its answers, the last one for ever."""

    def __init__(self) -> None:
        self.real = socket.getaddrinfo
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def __call__(self, host: str | bytes, port: int, *args: Any, **more: Any) -> list[Any]:
        if isinstance(host, bytes):  # of whoever listens
            return list(self.real(host, port, *args, **more))
        self.asked.append(host)
        left = self.answers.get(host)
        if left is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    service = Names()
    monkeypatch.setattr(socket, "getaddrinfo", service)
    return service


@asynccontextmanager
async def sender(allow: Allow = HERE, **options: Any) -> Any:
    made = Sender(allow, **{"limit": 5.0, **options})
    yield made
    await made.aclose()


async def posted(url: str, allow: Allow = HERE, **options: Any) -> Outcome:
    async with sender(allow, **options) as made:
        outcome: Outcome = await made.post(url, {"content-type": "application/json"}, b"{}")
        return outcome


async def test_a_name_is_looked_up_once_and_what_was_judged_is_called(names: Names, receiver: Receiver) -> None:
    """A name that moves after it was judged, to where nobody may call, changes nothing."""
    names.answers[HOST] = [["127.0.0.1"], ["10.0.0.1"]]
    outcome = await posted(receiver.url(host=HOST))
    assert (outcome.status, names.asked) == (204, [HOST])
    (call,) = receiver.calls
    assert call.headers["host"] == f"{HOST}:{receiver.port}"


async def test_a_name_that_leads_inside_is_not_called(names: Names, receiver: Receiver) -> None:
    names.answers[HOST] = [["127.0.0.1", "169.254.169.254", "::1"]]
    outcome = await posted(receiver.url(host=HOST), NOTHING)
    assert (outcome.status, outcome.final) == (None, True)
    assert receiver.calls == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "[::ffff:127.0.0.1]", "0"])
async def test_an_address_in_disguise_is_seen_through(receiver: Receiver, host: str) -> None:
    """However it is written, the system's own reading of it is what is judged."""
    outcome = await posted(f"http://{host}:{receiver.port}/", NOTHING)
    assert (outcome.status, outcome.final) == (None, True)
    assert receiver.calls == []


async def test_of_several_addresses_the_next_one_is_tried(names: Names, receiver: Receiver) -> None:
    names.answers[HOST] = [["10.0.0.1", "127.0.0.9", "127.0.0.1"]]  # not allowed; nobody there; it
    assert (await posted(receiver.url(host=HOST))).status == 204


async def test_what_goes_wrong_is_told_and_can_be_tried_again(names: Names) -> None:
    unknown = await posted("https://nowhere.example/secret-path")
    names.answers[HOST] = [["127.0.0.1"]]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = await posted(f"http://{HOST}:{port}/secret-path")
    for outcome in (unknown, refused):
        assert outcome.error
        assert not outcome.final
        assert "secret-path" not in outcome.error


async def test_a_receiver_that_speaks_something_else_is_no_crash(names: Names) -> None:
    names.answers[HOST] = [["127.0.0.1"]]

    async def talk(stream: Any) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"220 mail.example ESMTP\r\n" * 10)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, talk)
        outcome = await posted(f"http://{HOST}:{port}/")
        group.cancel_scope.cancel()
    assert outcome.status is None
    assert outcome.error
    assert "ESMTP" not in outcome.error  # what it says may be a secret of a network that was allowed


async def test_a_header_that_cannot_be_sent_is_not_told(receiver: Receiver) -> None:
    async with sender() as made:
        outcome = await made.post(receiver.url(), {"authorization": "Bearer do-not-tell\n"}, b"{}")
    assert outcome.status is None
    assert outcome.error
    assert "do-not-tell" not in outcome.error
    assert receiver.calls == []


async def test_the_certificate_is_checked_for_the_name(names: Names, tmp_path: Path) -> None:
    names.answers = {HOST: [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    server, trust = certificate(tmp_path, HOST)
    with Receiver(tls=server) as receiver:
        assert (await posted(receiver.url(host=HOST), trust=trust)).status == 204
        other = await posted(receiver.url(host="other.example"), trust=trust)
        stranger = await posted(receiver.url(host=HOST))
    for outcome in (other, stranger):
        assert outcome.status is None
        assert "certificate" in (outcome.error or "")
    assert len(receiver.calls) == 1


async def test_the_authorities_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them takes tens of milliseconds, in which the loop serves nobody."""
    read: list[ssl.SSLContext] = []

    def default() -> ssl.SSLContext:
        read.append(ssl.create_default_context())
        return read[-1]

    for module in (httpcore, connection):
        monkeypatch.setattr(module, "default_ssl_context", default)
    with Receiver() as plain:
        async with sender() as made:
            for _ in range(3):
                assert (await made.post(f"https://127.0.0.1:{plain.port}/", {}, b"{}")).status is None
    assert len(read) == 1


async def test_a_name_service_that_does_not_answer_holds_up_nobody_else(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another call, nor what else runs on the loop's own threads: the calls of models do."""
    release, look_up = threading.Event(), socket.getaddrinfo

    def slow(host: Any, *args: Any, **more: Any) -> Any:
        if host in ("slow.example", b"slow.example"):
            release.wait(30)
        return look_up("127.0.0.1", *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    async with sender(limit=20.0) as made, anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(made.post, receiver.url(host="slow.example"), {}, b"{}")
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(10):
            assert await asyncio.to_thread(lambda: "served") == "served"
            assert (await made.post(receiver.url(host=HOST), {}, b"{}")).status == 204
        release.set()
    assert len(receiver.calls) == 9


async def test_threads_that_are_busy_hold_up_no_call(receiver: Receiver) -> None:
    release = threading.Event()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    async with anyio.create_task_group() as group:
        group.start_soon(asyncio.to_thread, release.wait, 30)
        await anyio.wait_all_tasks_blocked()
        assert (await posted(receiver.url(host="localhost"), Allow.read(["localhost"]))).status == 204
        release.set()


async def test_a_large_answer_is_not_read(names: Names) -> None:
    """Only what stands at its beginning is: the body may be as long as it likes."""
    sent = 0

    async def pour(stream: Any) -> None:
        nonlocal sent
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                while True:
                    await stream.send(bytes(65_536))
                    sent += 65_536

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, pour)
        names.answers[HOST] = [["127.0.0.1"]]
        outcome = await posted(f"http://{HOST}:{port}/")
        group.cancel_scope.cancel()
    assert outcome.status == 200
    assert sent < 50_000_000


async def test_the_environments_proxy_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await posted(receiver.url())).status == 204


async def test_retry_after_counts_where_it_should(receiver: Receiver) -> None:
    receiver.answers.extend(Answer(status, {"retry-after": "60"}) for status in (429, 503, 500, 204))
    waits = [(await posted(receiver.url())).retry_after for _ in range(4)]
    assert waits == [60, 60, None, None]
