"""Streams that are open at once: so many of each principal and each address, and none is counted that is over."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any

import anyio
import httpx
import pytest

from protocol.commands import Cancel
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server.auth import OPEN, Principal, Role
from server.quota import Limits
from server.rates import ADDRESS
from server.routes.api.event_stream import Bell
from server.routes.places import Places
from tests.support.doors import ASKING
from tests.support.scripted import World
from tests.support.site import STREAM, RestSite, running_rest
from tests.support.tokens import token
from tests.support.waiting import wait_until

RARA = Principal("rara", "Rara", "kopi", frozenset(Role))
START = {"crew": "scripted", "inputs": {"topic": "tea"}}
RUN = {"threadId": "cv_1", "runId": "r", "tools": [], "context": [], "state": {}}


@pytest.fixture
async def site(world: World) -> AsyncIterator[RestSite]:
    async with running_rest(world, auth=ASKING, limits=Limits.read(["streams=2"])) as made:
        yield made


def of(name: str, **claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {token(sub=name, roles=['admin'], **claims)}"}


@asynccontextmanager
async def started(site: RestSite) -> AsyncIterator[str]:
    """An execution that waits for a worker; it is ended in the end."""
    made = await site.client.post("/executions", json=START, headers=of("rara"))
    execution = made.json()["execution"]
    yield execution
    with suppress(Refused):  # it may have been ended before
        await site.world.dispatch.handle(Cancel(execution=ExecutionId(execution)), RARA)


@asynccontextmanager
async def stream(site: RestSite, execution: str, name: str = "rara", **claims: Any) -> AsyncIterator[httpx.Response]:
    headers = {**STREAM, **of(name, **claims)}
    async with site.client.stream("GET", f"/executions/{execution}/events", headers=headers) as answer:
        if answer.status_code != 200:
            await answer.aread()
        yield answer


async def status(site: RestSite, execution: str, name: str = "rara") -> int:
    async with stream(site, execution, name) as answer:
        return answer.status_code


async def test_a_principal_has_so_many_streams_at_once(site: RestSite) -> None:
    async with started(site) as execution:
        async with stream(site, execution), stream(site, execution):
            async with stream(site, execution) as refused:
                problem = refused.json()
            assert (refused.status_code, problem["code"], problem["retry"]) == (429, "rate_limited", True)
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) >= 1
            assert problem["detail"] == "Too many streams: at most 2 at once of one principal."
            assert await status(site, execution, "dimas") == 200, "it is nobody else's limit"
            page = await site.client.get(f"/executions/{execution}/events?after=1&wait=1", headers=of("rara"))
            assert page.status_code == 200, "who waits for one answer streams nothing"

        async def free() -> bool:
            return await status(site, execution) == 200

        await wait_until(free, description="who has left takes no place")


async def test_nothing_is_begun_for_whom_there_is_no_place(site: RestSite) -> None:
    run = {**RUN, "messages": [{"id": "m", "role": "user", "content": "tea"}]}
    async with started(site) as execution, stream(site, execution), stream(site, execution):
        where = f"http://127.0.0.1:{site.port}/ag-ui/scripted"
        refused = await site.client.post(where, json=run, headers=of("rara"))
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        items = (await site.client.get("/executions", headers=of("rara"))).json()["items"]
        assert [item["id"] for item in items] == [execution]


async def test_a_place_is_free_however_its_stream_has_ended(site: RestSite) -> None:
    async def none_taken() -> bool:
        async with stream(site, execution) as one, stream(site, execution) as other:
            return one.status_code == other.status_code == 200

    async with started(site) as execution:
        for _ in range(3):
            assert await status(site, "x_none") == 404
        await wait_until(none_taken, description="what is refused takes none")
        async with stream(site, execution, exp=int(time.time()) + 1) as answer:
            async for _ in answer.aiter_bytes():
                pass
        await wait_until(none_taken, description="nor does who is believed no longer")
    async with started(site) as execution:
        async with stream(site, execution) as answer:
            await site.world.dispatch.handle(Cancel(execution=ExecutionId(execution)), RARA)
            async for _ in answer.aiter_bytes():
                pass
        await wait_until(none_taken, description="nor does what has ended")


async def test_who_comes_while_the_server_leaves_is_sent_on(site: RestSite) -> None:
    """On a connection that was kept; else the server would wait for the stream, and the stream for its execution."""
    async with started(site) as execution:
        site.places.drain()
        with anyio.fail_after(10):
            async with stream(site, execution) as answer:
                assert (answer.status_code, answer.headers["connection"]) == (200, "close")
                assert b"".join([piece async for piece in answer.aiter_bytes()]) == b"retry: 1000\n\n"
            waited = await site.client.get(f"/executions/{execution}/events?after=1&wait=60", headers=of("rara"))
            assert waited.json()["items"] == []


@pytest.fixture
def address() -> Iterator[None]:
    """Come from somewhere."""
    token = ADDRESS.set("2001:db8::1")
    yield
    ADDRESS.reset(token)


@pytest.mark.usefixtures("address")
async def test_an_address_has_so_many_whoever_they_are() -> None:
    places = Places(Limits.read(["streams=1", "address.streams=3"]))
    with ExitStack() as streams:
        for number in range(3):
            streams.enter_context(places.stream(Bell(), Principal(f"p{number}", "P", "kopi")))
        for one in (Principal("p3", "P", "kopi"), OPEN):
            with pytest.raises(Refused, match="at most 3 at once of one address") as refused:
                streams.enter_context(places.stream(Bell(), one))
            assert refused.value.code is ErrorCode.RATE_LIMITED
        ADDRESS.set("2001:db8:0:1::1")
        for _ in range(3):
            streams.enter_context(places.stream(Bell(), OPEN))
        with pytest.raises(Refused):
            places.check(OPEN)
    places.check(OPEN)
    assert not places.outlets


@pytest.mark.usefixtures("address")
async def test_without_limits_there_is_a_place_for_everybody() -> None:
    places = Places(None)
    with ExitStack() as streams:
        for _ in range(2000):
            streams.enter_context(places.stream(Bell(), OPEN))
        assert len(places.outlets) == 2000
