"""What machines ask again and again: however many ask at once, it is tried once for all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from server.app.web import Web
from server.routes import shared
from server.routes.operations import Operations
from server.settings import Settings
from server.store import Store
from tests.support.waiting import wait_until


class Slow:
    """Something that is tried: it tells how often, and answers when it may."""

    def __init__(self) -> None:
        self.tried = 0
        self.answer: str | None = None
        self.may = anyio.Event()

    async def __call__(self) -> str | None:
        self.tried += 1
        await self.may.wait()
        return self.answer


@asynccontextmanager
async def asking(check: Slow) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=Operations({"redis": check}, []).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        yield client


async def test_all_who_ask_whether_it_is_ready_share_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < shared.LASTS <= 2
    monkeypatch.setattr(shared, "LASTS", 60)
    check, told = Slow(), list[int]()
    async with asking(check) as client, anyio.create_task_group() as group:

        async def ask() -> None:
            told.append((await client.get("/readyz")).status_code)

        for _ in range(50):
            group.start_soon(ask)
        await wait_until(lambda: check.tried == 1, description="it is tried")
        check.may.set()
        await wait_until(lambda: len(told) == 50, description="all are told")
        assert (set(told), check.tried) == ({200}, 1)


async def test_what_has_changed_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "LASTS", 0.01)
    check = Slow()
    check.may.set()
    async with asking(check) as client:
        assert (await client.get("/readyz")).status_code == 200
        check.answer = "it is away"

        async def unwell() -> bool:
            told: dict[str, Any] = (await client.get("/readyz")).json()
            return told == {"status": "not ready", "checks": {"redis": "it is away"}}

        await wait_until(unwell, description="the change is noticed")
        check.answer = None

        async def well() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await wait_until(well, description="and so is its end")


async def test_a_try_that_was_broken_off_is_no_answer() -> None:
    check = Slow()
    async with asking(check) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.get, "/readyz")
            await wait_until(lambda: check.tried == 1, description="it is tried")
            group.cancel_scope.cancel()
        check.may.set()
        assert (await client.get("/readyz")).status_code == 200
        assert check.tried == 2


async def test_however_many_read_the_metrics_redis_is_counted_once() -> None:
    class Counting(Slow):
        async def __call__(self) -> Any:
            await super().__call__()
            return {}

    count = Counting()
    web = Web(Settings(), "redis://127.0.0.1:1")
    async with web.redis:
        web.store = cast("Store", SimpleNamespace(count=count, everywhere=_nowhere))
        web.workers = cast("Any", SimpleNamespace(live=_nowhere))

        async def read() -> None:
            for measure in web.measures():
                await measure()

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(read)
            await wait_until(lambda: count.tried > 0, description="it is counted")
            count.may.set()
    assert count.tried == 1


async def _nowhere() -> list[Any]:
    return []
