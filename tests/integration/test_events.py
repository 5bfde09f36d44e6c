"""Events over plain HTTP: pages of a log, requests that wait for the next event, and streams of them."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import pytest

from protocol.commands import Cancel
from protocol.events import JournalMissed
from protocol.ids import ExecutionId
from protocol.objects import State
from server import keys
from server.execution import ENDS
from server.outlet import pumped
from server.routes.api import event_stream
from server.store import Write
from tests.support.scripted import RARA, World, kinds
from tests.support.site import RestSite, running_rest, take
from tests.support.waiting import wait_until


@pytest.fixture
async def site(world: World) -> AsyncIterator[RestSite]:
    async with running_rest(world) as made, world.worker():
        yield made


async def begin(site: RestSite) -> ExecutionId:
    """Start an execution and have the worker take it."""
    execution = await site.world.start()
    await site.world.running[0].advance(site.world.store.member(execution))
    return execution


async def ended(site: RestSite) -> ExecutionId:
    execution = await begin(site)
    await site.world.decide(await site.world.opened(execution), "approve")
    await site.world.state(execution, State.COMPLETED)
    return execution


async def page(site: RestSite, execution: str, query: str = "") -> Any:
    answer = await site.client.get(f"/executions/{execution}/events?{query}")
    assert answer.status_code == 200
    return answer.json()


async def test_a_log_is_read_in_pages(site: RestSite) -> None:
    execution = await ended(site)
    logged = await site.world.log(execution)
    found: list[Any] = []
    query = "limit=2"
    while query:
        part = await page(site, execution, query)
        assert (part["first"], part["last"], part["state"]) == (1, len(logged), "completed")
        found += part["items"]
        query = f"limit=2&after={part['next']}" if "next" in part else ""
    assert found == [msgspec.to_builtins(event) | {"type": event.data.type} for event in logged]
    epoch = found[0]["epoch"]
    assert (await page(site, execution, f"after={epoch}:{len(logged) - 1}"))["items"] == found[-1:]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("after=tea", 422, "bad_field"), ("after=-1", 422, "bad_field"), ("after=1e3", 422, "bad_field"),
     (f"after={'9' * 40}", 422, "bad_field"), ("limit=0", 422, "bad_field"), ("limit=1001", 422, "bad_field"),
     ("wait=61", 422, "bad_field"), ("after=99", 409, "conflict"), ("after=lost:1", 409, "conflict")],
)  # fmt: skip
async def test_places_that_there_are_not(site: RestSite, query: str, status: int, code: str) -> None:
    execution = await ended(site)
    answer = await site.client.get(f"/executions/{execution}/events?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("headers", [{}, {"accept": "text/event-stream"}])
async def test_what_is_not_there_has_no_events(site: RestSite, headers: dict[str, str]) -> None:
    answer = await site.client.get("/executions/x_none/events", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_request_waits_for_the_next_event_and_no_longer(site: RestSite) -> None:
    execution = await begin(site)
    checkpoint = await site.world.opened(execution)
    last = (await page(site, execution))["last"]
    got: list[Any] = []

    async def wait() -> None:
        got.append(await page(site, execution, f"after={last}&wait=20"))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await wait_until(lambda: len(site.places.outlets) == 1, description="it waits")
        assert not got
        await site.world.decide(checkpoint, "approve")
    assert got[0]["items"][0]["type"] == "checkpoint.decided"
    await site.world.state(execution, State.COMPLETED)
    end = await page(site, execution, f"after={last}&wait=20")
    assert [item["type"] for item in end["items"]][-1] == "execution.completed"
    with anyio.fail_after(10):  # an end is not waited behind
        assert (await page(site, execution, f"after={end['last']}&wait=20"))["items"] == []
    await wait_until(lambda: site.hub.channels == 0, description="nobody listens any more")


async def test_a_request_that_waits_in_vain_is_answered_with_nothing(site: RestSite) -> None:
    execution = await begin(site)
    checkpoint = await site.world.opened(execution)
    last = (await page(site, execution))["last"]
    part = await page(site, execution, f"after={last}&wait=1")
    assert (part["items"], part["last"], part["state"]) == ([], last, "waiting")
    await site.world.decide(checkpoint, "stop")
    await site.world.state(execution, State.STOPPED)


async def test_a_stream_of_what_has_ended_tells_all_and_ends(site: RestSite) -> None:
    execution = await ended(site)
    logged = await site.world.log(execution)
    async with site.stream(execution) as events:
        told = [each async for each in events if "." in each.frame["type"]]
    assert [each.frame["type"] for each in told] == kinds(logged)
    assert [each.id for each in told] == [f"{event.epoch}:{event.offset}" for event in logged]
    headers = {"accept": "text/event-stream", "last-event-id": told[-1].id}
    answer = await site.client.get(f"/executions/{execution}/events", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_stream_goes_on_where_the_client_was_at_every_place(site: RestSite) -> None:
    execution = await ended(site)
    async with site.stream(execution) as events:
        whole = [each async for each in events if "." in each.frame["type"]]
    for number, each in enumerate(whole[:-1], 1):
        async with site.stream(execution, last=each.id) as events:
            assert [later async for later in events if "." in later.frame["type"]] == whole[number:]
    async with site.stream(execution, query="?after=3") as events:
        assert [later async for later in events if "." in later.frame["type"]] == whole[3:]


async def test_a_stream_is_live_and_ends_with_the_execution(site: RestSite) -> None:
    execution = await begin(site)
    async with site.stream(execution) as events:
        opened = (await take(events, "checkpoint.opened"))[-1]
        assert (await take(events, "synced"))[-1].id == opened.id
        await site.world.decide(await site.world.opened(execution), "approve")
        rest = await take(events, "execution.completed")
        assert rest[0].frame["type"] == "checkpoint.decided"
        assert [each async for each in events] == []
    await wait_until(lambda: site.hub.channels == 0, description="nobody listens any more")
    assert not site.places.outlets


async def test_a_position_in_a_log_that_was_lost_begins_with_a_snapshot(site: RestSite) -> None:
    execution = await begin(site)
    checkpoint = await site.world.opened(execution)
    async with site.stream(execution, last="lost:3") as events:
        (snapshot, synced) = await take(events, "synced")
    assert (snapshot.frame["type"], snapshot.id) == ("snapshot", synced.id)
    assert [each["id"] for each in snapshot.frame["checkpoints"]] == [checkpoint.id]
    await site.world.decide(checkpoint, "stop")
    await site.world.state(execution, State.STOPPED)


async def test_silence_is_broken_by_comments(site: RestSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.02)
    execution = await begin(site)
    checkpoint = await site.world.opened(execution)
    async with site.stream(execution) as events:
        await take(events, "synced")
        with anyio.fail_after(10):
            assert (await anext(events)).frame == (await anext(events)).frame == {}
        await site.world.decide(checkpoint, "stop")
        await take(events, "execution.stopped")


async def test_who_leaves_is_forgotten(site: RestSite) -> None:
    execution = await begin(site)
    async with site.stream(execution) as events:
        await take(events, "synced")
        assert len(site.places.outlets) == 1
    await wait_until(lambda: not site.places.outlets, description="the stream is gone")
    await wait_until(lambda: site.hub.channels == 0, description="nobody listens any more")
    await site.world.dispatch.handle(Cancel(execution=execution), RARA)


async def test_a_server_that_leaves_ends_streams_and_answers_who_waits(site: RestSite) -> None:
    execution = await begin(site)
    await site.world.opened(execution)
    last = (await page(site, execution))["last"]
    answers: list[Any] = []
    streamed: set[str] = set()

    async def wait() -> None:
        answers.append((await page(site, execution, f"after={last}&wait=60"))["items"])

    async def stream() -> None:
        async with site.stream(execution) as events:
            async for each in events:
                streamed.add(each.frame["type"])

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(stream)
            await wait_until(lambda: len(site.places.outlets) == 2 and bool(streamed), description="both are there")
            site.places.drain()
    assert answers == [[]]
    await site.world.dispatch.handle(Cancel(execution=execution), RARA)


@asynccontextmanager
async def stalled(site: RestSite, execution: str) -> AsyncIterator[socket.socket]:
    """A client that asks for a stream and does not read it."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", site.port))
    plain.sendall(
        f"GET /api/v1/executions/{execution}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    with plain:
        yield plain


async def test_who_reads_nothing_is_let_go_and_the_others_get_everything(
    site: RestSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pumped, "STALL", 0.2)
    execution = await begin(site)
    await site.world.opened(execution)
    holder = await site.world.store.holder(execution)
    assert holder is not None
    fence = holder.fence

    async def fill() -> None:
        missed = JournalMissed(step="s" * 10_000, reason="r")
        for _ in range(1200):
            await site.world.store.commit(execution, Write(data=missed, fence=fence))
        await site.world.dispatch.handle(Cancel(execution=execution), RARA)

    async with stalled(site, execution) as plain, site.stream(execution) as events:
        await take(events, "synced")
        await wait_until(lambda: len(site.places.outlets) == 2, description="both are there")
        async with anyio.create_task_group() as group:
            group.start_soon(fill)
            assert len(await take(events, "execution.cancelled")) == 1201
        await wait_until(lambda: not site.places.outlets, description="the stalled one is let go")
        assert b"execution.cancelled" not in await anyio.to_thread.run_sync(drain, plain)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def drain(plain: socket.socket) -> bytes:
    """Read until the server is gone, and give the last that came."""
    plain.settimeout(10)
    last = b""
    try:
        while part := plain.recv(1 << 16):
            last = part
    except ConnectionError:
        pass
    return last


async def test_ends_are_told_apart_by_their_first_bytes(site: RestSite) -> None:
    assert len(event_stream.LAST) == len(ENDS) + 1
    execution = await ended(site)
    frames: Any = await site.world.redis.xrevrange(keys.execution(keys.OPEN_TENANT, execution).log, count=2)
    last, before = (fields[b"f"] for _, fields in frames)
    assert last.startswith(event_stream.LAST)
    assert not before.startswith(event_stream.LAST)
