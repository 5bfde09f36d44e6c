"""The guard: which pages may drive the server."""

import pytest
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from server.app.guard import Guard


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve nothing."""


HERE = "127.0.0.1:8000"
CASES = [
    # host, origin, method, websocket, admitted
    (HERE, None, "POST", False, True),
    (HERE, None, "GET", True, True),
    (HERE, "http://127.0.0.1:8000", "GET", True, True),
    (HERE, "http://127.0.0.1:8000", "POST", False, True),
    ("localhost:8000", "http://localhost:8000", "GET", True, True),
    (HERE, "https://evil.example", "GET", True, False),
    (HERE, "https://evil.example", "POST", False, False),
    (HERE, "http://127.0.0.1:9999", "GET", True, False),
    (HERE, "null", "POST", False, False),
    (HERE, "https://evil.example", "GET", False, True),  # a browser lets no other page read the answer
    ("evil.example:8000", "http://evil.example:8000", "GET", True, False),  # a name that was pointed at 127.0.0.1
    ("evil.example", None, "GET", False, False),
    ("", None, "GET", False, False),
    ("[", None, "GET", False, False),
    (HERE, "http://[", "POST", False, False),
    (HERE, "", "POST", False, False),
    (HERE, "http://evil@127.0.0.1:8000", "POST", False, False),
    (HERE, "127.0.0.1:8000", "POST", False, False),
]


@pytest.mark.parametrize(("host", "origin", "method", "websocket", "admitted"), CASES)
def test_open_mode(host: str, origin: str | None, method: str, websocket: bool, admitted: bool) -> None:
    headers = Headers({"host": host, **({} if origin is None else {"origin": origin})})
    assert (Guard(nothing).refusal(method, headers, websocket=websocket) is None) is admitted


@pytest.mark.parametrize("host", ["", "[", "null", HERE])
@pytest.mark.parametrize("origin", ["null", "", "http://[", "//", "http://"])
def test_a_page_without_a_name_is_of_no_host(host: str, origin: str) -> None:
    guard = Guard(nothing, anywhere=True)
    assert guard.refusal("POST", Headers({"host": host, "origin": origin}), websocket=False)


def test_named_origins_and_their_hosts_are_admitted() -> None:
    guard = Guard(nothing, origins=["https://app.example"])
    for host in (HERE, "app.example"):
        assert guard.refusal("POST", Headers({"host": host, "origin": "https://app.example"}), websocket=False) is None
    assert guard.refusal("POST", Headers({"host": HERE, "origin": "https://b.example"}), websocket=False)
