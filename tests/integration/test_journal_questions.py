"""Questions asked through a journal: from threads for which the loop waits, and withdrawn again."""

import asyncio
import threading

import anyio
import pytest
from redis.asyncio import Redis

from protocol.events import CheckpointWithdrawn
from protocol.frames import decode_server_frame
from protocol.objects import State
from server.journal import ExecutionJournal, handover
from server.runnable import Suspended
from server.store import Store
from tests.support.journaling import claimed, journal, said, steps
from tests.support.scripted import question
from tests.support.waiting import wait_until


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
