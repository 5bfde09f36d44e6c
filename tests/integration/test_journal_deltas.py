"""Streamed text in a journal: pushed in company, in its place among the events, and only by who holds the lease."""

from typing import Any

from redis.asyncio import Redis

from protocol.events import ExecutionRecovered
from protocol.frames import Delta, decode_server_frame
from server import keys
from server.store import Store, Write
from tests.support.journaling import claimed, journal, said
from tests.support.waiting import wait_until


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
