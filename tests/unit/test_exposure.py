"""A server that asks nobody who they are, and is reached from beyond this machine: it says so, once."""

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from server.app import make_app, make_parts
from server.app.exposure import Exposure, sign_of
from server.settings import AuthSettings, Settings

PUBLIC = [
    {"x-forwarded-for": "203.0.113.9"},
    {"x-forwarded-for": "203.0.113.9, 127.0.0.1"},
    {"x-forwarded-for": "203.0.113.9:4711"},
    {"x-forwarded-for": "[2001:db8::1]:4711"},
    {"x-forwarded-for": "unknown"},
    {"forwarded": "for=203.0.113.9"},
    {"forwarded": 'proto=https;For="[2001:db8::1]:4711";by=127.0.0.1'},
    {"forwarded": "for=127.0.0.1, for=_hidden"},
    {"host": "crews.example"},
    {"host": "192.168.1.9:8000"},
]
OURS: list[dict[str, str]] = [
    {},
    {"x-forwarded-for": ""},
    {"x-forwarded-for": "127.0.0.1, ::1"},
    {"x-forwarded-for": "127.0.0.1:4711"},
    {"x-forwarded-for": "::ffff:127.0.0.1"},
    {"forwarded": 'for=127.0.0.1;host=crews.example, for="[::1]:4711"'},
    {"forwarded": "proto=https"},
    {"host": "localhost:8000"},
    {"host": "[::1]:8000"},
    {"host": "["},
    {"host": ""},
]


async def told(*requests: dict[str, str]) -> list[str]:
    """Send requests, and give what is said of them."""
    transport = httpx.ASGITransport(Exposure(Starlette()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        with capture_logs() as lines:
            for headers in requests:
                assert (await client.get("/", headers=headers)).status_code == 404, "it is answered all the same"
    return [f"{line['log_level']} {line['event']} {line['sign']} {line['meaning']} {line['advice']}" for line in lines]


@pytest.mark.parametrize("headers", PUBLIC)
async def test_who_comes_from_beyond_this_machine_is_told_of(headers: dict[str, str]) -> None:
    (line,) = await told(headers)
    (value,) = headers.values()
    assert line.startswith("warning auth.off ")
    for word in (value, "QUARTERDECK_AUTH", "QUARTERDECK_INSECURE=on"):
        assert word in line


async def test_it_is_said_once() -> None:
    assert len(await told(*PUBLIC)) == 1


async def test_who_comes_from_this_machine_is_nothing_to_tell_of() -> None:
    assert await told(*OURS) == []
    assert sign_of({}) is None


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        (Settings(), 1),
        (Settings(origins=("https://crews.example",)), 1),
        (Settings(auth=AuthSettings(required=True)), 0),
        (Settings(insecure=True), 0),
        (Settings(host="0.0.0.0", insecure=True), 0),
    ],
    ids=["open", "a page is named", "all are asked", "it is meant", "the start has told"],
)
async def test_a_web_process_tells_of_it_unless_it_was_told_that_it_is_meant(settings: Settings, lines: int) -> None:
    app = make_app(settings, make_parts(settings, "redis://127.0.0.1:1", ["web"]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        with capture_logs() as said:
            for _ in range(2):
                assert (await client.get("/healthz", headers={"x-forwarded-for": "203.0.113.9"})).status_code == 200
            await client.get("/healthz", headers={"host": "evil.example"})
    assert len([line for line in said if line["event"] == "auth.off"]) == lines


async def test_who_is_refused_is_nothing_to_tell_of() -> None:
    settings = Settings()
    app = make_app(settings, make_parts(settings, "redis://127.0.0.1:1", ["web"]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://evil.example") as client:
        with capture_logs() as said:
            assert (await client.get("/healthz")).status_code == 403
    assert said == []
