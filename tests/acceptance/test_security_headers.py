"""What every answer tells browsers not to do with it."""

import anyio.to_thread
import pytest

from tests.support.http import ask
from tests.support.stack import Stack

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200), ("/x/x_1", 200), ("/favicon.svg", 200), ("/docs", 200), ("/openapi.json", 200), ("/healthz", 200),
        ("/metrics", 200), ("/api/v1/crews", 200), ("/api/v1/executions/x_1", 404), ("/nothing", 404),
        ("/static/nothing.js", 404), ("/api/crew/status/x_1", 404),
    ],
)  # fmt: skip
def test_every_answer_has_them(stack: Stack, path: str, status: int) -> None:
    answer = stack.webs[0].get(path)
    assert answer.status == status
    assert EVERYWHERE.items() <= dict(answer.headers).items()
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/crews", "/api/v1/executions/x_1", "/api/crew/status/x_1"])
def test_what_is_told_of_executions_is_kept_nowhere(stack: Stack, path: str) -> None:
    headers = stack.webs[0].get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_a_foreign_page_is_refused_with_them(stack: Stack) -> None:
    evil = {"origin": "https://evil.example"}
    answer = await anyio.to_thread.run_sync(ask, stack.port, "POST", "/api/v1/executions", {}, evil)
    assert answer.status == 403
    assert EVERYWHERE.items() <= dict(answer.headers).items()


async def test_over_tls_browsers_are_to_come_that_way(stack: Stack) -> None:
    told = {"x-forwarded-proto": "https"}
    answer = await anyio.to_thread.run_sync(ask, stack.port, "GET", "/", None, told)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
