"""One call: to the very address that was judged, with the certificate checked for the name."""

import socket
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

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
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        left = self.answers.get(host)
        if left is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    service = Names()
    monkeypatch.setattr(anyio, "getaddrinfo", service)
    return service


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


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
            await stream.send(b"220 mail.example ESMTP\r\n" * 10)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, talk)
        outcome = await posted(f"http://{HOST}:{port}/")
        group.cancel_scope.cancel()
    assert outcome.status is None
    assert outcome.error


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
