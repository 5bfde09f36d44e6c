"""The journal: order, exactly once through outages, deltas in company, and nothing after the lease is lost."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from redis.asyncio import Redis

from protocol.events import (
    AgentStarted,
    CheckpointWithdrawn,
    ExecutionCancelled,
    ExecutionQueued,
    ExecutionRecovered,
    ExecutionStarted,
    JournalMissed,
)
from protocol.frames import Delta, decode_server_frame
from protocol.ids import ExecutionId, new_execution
from protocol.objects import State
from server import keys
from server.journal import ExecutionJournal, LeaseLost, handover
from server.journal.values import unpack
from server.runnable import Suspended
from server.store import Store, Write
from server.store.client import connect
from tests.support.scripted import question
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until


def said(number: int) -> JournalMissed:
    return JournalMissed(step=str(number), reason="test")


async def claimed(store: Store) -> ExecutionId:
    """Make an execution whose lease is 1."""
    execution = new_execution()
    queued = ExecutionQueued(crew="c", title="t", inputs={}, checkpoints=[], tasks=[])
    await store.commit(execution, Write(data=queued))
    await store.commit(execution, Write(data=ExecutionStarted(worker="w", attempt=1), fence=1, owner="w"))
    return execution


@asynccontextmanager
async def journal(store: Store, execution: ExecutionId, fence: int = 1) -> AsyncIterator[ExecutionJournal]:
    made = ExecutionJournal(
        store, execution, fence=fence, attempt=1, inputs={}, checkpoints=(), recorded={}, records=()
    )

    async def write() -> None:
        with suppress(LeaseLost):
            await made.outbox.run()

    async with anyio.create_task_group() as group:
        group.start_soon(write)
        yield made
        group.cancel_scope.cancel()


async def steps(store: Store, execution: ExecutionId) -> list[str]:
    page = await store.page(execution, 0, 100_000)
    assert page is not None
    assert [offset for offset, _ in page.frames] == list(range(1, page.last + 1))
    events = [decode_server_frame(frame) for _, frame in page.frames]
    return [event.data.step for event in events if isinstance(event.data, JournalMissed)]


async def test_what_many_threads_say_is_written_in_each_ones_order(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:

        def speak(name: int) -> None:
            for number in range(200):
                made.emit(said(name * 1000 + number))

        async with anyio.create_task_group() as group:
            for name in range(5):
                group.start_soon(anyio.to_thread.run_sync, speak, name)
        with anyio.fail_after(20):
            await made.outbox.drain()
    written = [int(step) for step in await steps(store, execution)]
    assert len(written) == 1000
    for name in range(5):
        assert [n for n in written if n // 1000 == name] == [name * 1000 + number for number in range(200)]


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
async def test_every_event_once_through_restarts_of_redis(short_path: Path, kill: signal.Signals) -> None:
    server = Valkey(short_path, durable=True)
    server.start()
    client = connect(server.url)
    store = Store(client)
    execution = await claimed(store)
    try:
        async with journal(store, execution) as made:

            async def speak() -> None:
                for number in range(3000):
                    made.emit(said(number))
                    await anyio.lowlevel.checkpoint()

            async with anyio.create_task_group() as group:
                group.start_soon(speak)
                for _ in range(3):
                    await anyio.to_thread.run_sync(server.stop, kill)
                    await anyio.to_thread.run_sync(server.start)
                    await made.append(AgentStarted(agent="after the restart"))
            with anyio.fail_after(30):
                await made.outbox.drain()
        assert [int(step) for step in await steps(store, execution)] == list(range(3000))
    finally:
        await client.aclose()
        server.stop(signal.SIGKILL)


async def test_a_batch_whose_answer_was_lost_is_not_applied_twice(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    real, lost = store.commit_all, [2]

    async def unlucky(*arguments: Any) -> Any:
        commits = await real(*arguments)
        if lost[0]:
            lost[0] -= 1
            raise ConnectionResetError("the answer is lost")
        return commits

    store.commit_all = unlucky  # type: ignore[method-assign,assignment] # only the answer is lost; the server did it all
    async with journal(store, execution) as made:
        for number in range(50):
            made.emit(said(number))
        with anyio.fail_after(10):
            await made.outbox.drain()
    assert [int(step) for step in await steps(store, execution)] == list(range(50))


async def test_after_the_scripts_are_lost_it_goes_on(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await made.append(said(1))
        await redis.script_flush()
        await made.append(said(2))
    assert await steps(store, execution) == ["1", "2"]


async def test_once_the_lease_is_lost_nothing_is_written(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await made.append(said(1))
        await store.commit(execution, Write(data=ExecutionRecovered(worker="v", attempt=2), fence=2, owner="v"))
        with pytest.raises(LeaseLost):
            await made.append(said(2))
        with pytest.raises(LeaseLost):
            await made.record("s", b"v", event=said(3))
        with pytest.raises(LeaseLost):
            await made.record("s", b"v")
        made.emit(said(4))
    assert await steps(store, execution) == ["1"]
    assert await store.journal(execution) == {}


async def test_after_a_cancel_nothing_is_written(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await store.commit(execution, Write(data=ExecutionCancelled()))
        with pytest.raises(LeaseLost):
            await made.append(said(1))
        await wait_until(lambda: made.outbox.lost, description="the outbox knows")
    assert await steps(store, execution) == []


async def test_a_record_and_its_event_come_together(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    async with journal(store, execution) as made:
        await made.record("t0/output", b"text", event=said(1))
        await made.record("t0/draft", b"draft")
        assert made.recall("t0/output") == b"text"
    stored = await store.journal(execution)
    assert {step: unpack(value) for step, value in stored.items()} == {"t0/output": b"text", "t0/draft": b"draft"}
    assert await steps(store, execution) == ["1"]


async def test_what_is_large_is_kept_small_and_comes_back_whole(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    small, large = b"x" * 65_536, b"The tide table of Sunda Kelapa. " * 4000
    async with journal(store, execution) as made:
        await made.record("small", small)
        await made.record("large", large)
        await anyio.to_thread.run_sync(made.record_now, "from a thread", large)
    stored = await store.journal(execution)
    assert {step: unpack(value) for step, value in stored.items()} == {
        "small": small, "large": large, "from a thread": large,
    }  # fmt: skip
    assert len(stored["small"]) > len(small)
    assert len(stored["large"]) == len(stored["from a thread"]) < len(large) / 10


async def test_it_is_dropped_with_its_execution(redis: Redis) -> None:
    """As long as the execution is kept, and not longer."""
    store = Store(redis, retention=timedelta(minutes=10))
    execution = await claimed(store)
    names = keys.execution(store.tenant, execution)
    async with journal(store, execution) as made:
        await made.record("t0/output", b"text")
    assert await redis.ttl(names.journal) == -1
    await store.commit(execution, Write(data=ExecutionCancelled()))
    left = {name: await redis.ttl(name) for name in (names.state, names.log, names.journal)}
    assert all(590 < seconds <= 600 for seconds in left.values()), left


async def test_deltas_are_joined_numbered_and_in_place_among_events(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    pubsub = redis.pubsub()
    await pubsub.subscribe(keys.channel(store.tenant, execution))
    heard: list[bytes] = []
    async with journal(store, execution) as made:
        made.emit(said(1))
        for piece in "Hello, world":
            made.delta(stream="s", text=piece)
        made.delta(stream="t", text="other")
        made.emit(said(2))
        for piece in ("!", "?"):
            made.delta(stream="s", text=piece)
        await wait_until(lambda: not made.outbox._pending, description="all is taken")

        async def all_heard() -> bool:
            message: Any = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
            if message:
                heard.append(message["data"].partition(b"\n")[2])
            return len(heard) == 5

        await wait_until(all_heard, description="two events and three deltas are heard")
    await pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py's own
    frames = [decode_server_frame(frame) for frame in heard]
    shown = [
        (frame.stream, frame.index, frame.text) if isinstance(frame, Delta) else frame.data.step for frame in frames
    ]
    assert shown == ["1", ("s", 0, "Hello, world"), ("t", 0, "other"), "2", ("s", 1, "!?")]


async def test_a_delta_of_somebody_who_lost_the_lease_is_not_pushed(redis: Redis) -> None:
    store = Store(redis)
    execution = await claimed(store)
    await store.commit(execution, Write(data=ExecutionRecovered(worker="v", attempt=2), fence=2, owner="v"))
    pubsub = redis.pubsub()
    await pubsub.subscribe(keys.channel(store.tenant, execution))
    await store.scripts.load()
    delta = Delta(execution=execution, stream="s", index=0, text="late")
    await store.commit_all(execution, [delta], 1)
    await store.commit_all(execution, [delta], 2)
    heard: list[Any] = []

    async def one() -> bool:
        message: Any = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
        heard.extend([message] if message else [])
        return len(heard) >= 1

    await wait_until(one, description="the delta of the holder is heard")
    assert await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.05) is None
    await pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py's own


@pytest.mark.parametrize("asks", [False, True])
async def test_a_thread_goes_on_while_the_loop_waits_for_it(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    """A crew's own code blocks the loop until a thread is done; that thread must not wait for the loop in turn."""
    monkeypatch.setattr(handover, "LIMIT", 0.05)
    store = Store(redis)
    execution = await claimed(store)
    raised: list[BaseException] = []
    async with journal(store, execution) as made:

        def work() -> None:
            try:
                made.record_now("s", b"v", event=said(1))
                if asks:
                    made.ask_now(question())
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(20)  # here the loop stands still
        assert not thread.is_alive()
        assert made.recall("s") == b"v"
        await made.outbox.drain()
    assert await steps(store, execution) == ["1"]
    assert [type(error) for error in raised] == ([Suspended] if asks else [])
    assert [record.checkpoint.name for record in await store.records(execution)] == (["after_planning"] if asks else [])


async def test_a_question_that_is_withdrawn_waits_no_longer(redis: Redis) -> None:
    """Those of one scope, open at that moment, and no others; the execution goes on with the rest."""
    store = Store(redis)
    execution = await claimed(store)
    cancelled: list[str] = []

    async def ask(made: ExecutionJournal, step: str) -> None:
        try:
            await made.ask(question(step=step))
        except anyio.get_cancelled_exc_class():
            cancelled.append(step)
            raise

    async def all_asked() -> bool:
        return len(await store.records(execution)) == 3

    async with journal(store, execution) as made:
        asking = [asyncio.ensure_future(ask(made, step)) for step in ("m:a.0/feedback", "m:a.0/crew/t0", "m:ab.0/x")]
        await wait_until(all_asked, description="all are asked")
        await made.withdraw("m:a.0/", "somebody else was there first")
        await asyncio.wait(asking[:2])
        holder = await store.holder(execution)
        assert holder is not None
        assert holder.state is State.WAITING
        await made.withdraw("m:ab.0/", "this one, too")
        await asyncio.wait(asking)
        await made.withdraw("m:a", "again: there is nothing left")
        holder = await store.holder(execution)
    assert sorted(cancelled) == ["m:a.0/crew/t0", "m:a.0/feedback", "m:ab.0/x"]
    assert holder is not None
    assert holder.state is State.RUNNING
    assert await store.inbox() == []
    page = await store.page(execution, 0, 100)
    assert page is not None
    events = [decode_server_frame(frame).data for _, frame in page.frames]
    assert [event.reason for event in events if isinstance(event, CheckpointWithdrawn)] == [
        "somebody else was there first", "somebody else was there first", "this one, too",
    ]  # fmt: skip
