"""Cross-origin requests: which pages may read the answers."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.applications import Starlette

from server.app import make_app
from server.settings import Settings

PAGE = "https://app.example"


async def ask(origins: Sequence[str], method: str, path: str, **headers: str) -> httpx.Response:
    """Ask an application that serves only its operations."""
    app: Starlette = make_app(Settings(origins=tuple(origins)), [])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        return await client.request(method, path, headers=named)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_preflight_of_a_configured_page_is_answered(method: str) -> None:
    answer = await ask(
        [PAGE], "OPTIONS", "/healthz", origin=PAGE, access_control_request_method=method,
        access_control_request_headers="content-type, idempotency-key",
    )  # fmt: skip
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    assert method in answer.headers["access-control-allow-methods"]


async def test_a_configured_page_may_read_and_no_other() -> None:
    answer = await ask([PAGE], "GET", "/healthz", origin=PAGE)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    foreign = await ask([PAGE], "GET", "/healthz", origin="https://evil.example")
    assert "access-control-allow-origin" not in foreign.headers
    assert (await ask([PAGE], "POST", "/healthz", origin="https://evil.example")).status_code == 403


async def test_without_configured_pages_none_may_read() -> None:
    for method in ("GET", "OPTIONS"):
        answer = await ask([], method, "/healthz", origin=PAGE, access_control_request_method="POST")
        assert "access-control-allow-origin" not in answer.headers
