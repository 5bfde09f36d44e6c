"""Deliveries: tried again by the schedule, given up, taken over from the dead, and made again when a person asks."""

import threading
from collections.abc import Iterable

import anyio
import pytest
from structlog.testing import capture_logs

from protocol.commands import Resend
from protocol.errors import ErrorCode, Refused
from protocol.frames import seconds_of
from server import keys
from server.store import Claim, Outbox
from server.store.outbox import Parcel
from server.webhooks.schedule import SCHEDULE
from tests.support.hooks import Hooks
from tests.support.receiver import Answer, Receiver
from tests.support.scripted import RARA, World
from tests.support.waiting import wait_until


async def test_a_call_that_fails_is_made_again_by_the_schedule_with_the_same_id(
    world: World, receiver: Receiver
) -> None:
    receiver.usual = Answer(500)
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    async with hooks.delivering():
        for tries, pause in enumerate(SCHEDULE[1:], 1):
            delivery = await hooks.attempted(execution, tries)
            assert (delivery.state, delivery.attempts[-1].status) == ("pending", 500)
            assert delivery.next_at is not None
            assert pause - 1 < seconds_of(delivery.next_at) - seconds_of(delivery.attempts[-1].at) < pause + 2
            hooks.later(pause + 1)
        (given_up,) = await hooks.reached(execution, "failed")
        assert (len(given_up.attempts), given_up.next_at) == (len(SCHEDULE), None)
        assert await world.redis.exists(keys.outbox()) == 0
        receiver.usual = Answer(200)
        assert (await hooks.resend(execution, given_up.id)).state == "pending"
        await hooks.reached(execution, "delivered")
    assert len(receiver.calls) == len(SCHEDULE) + 1
    assert {call.id for call in receiver.calls} == {f"{execution}-{given_up.id}"}


async def test_a_receiver_may_say_when_to_come_again(world: World, receiver: Receiver) -> None:
    receiver.answers.append(Answer(503, {"retry-after": "90"}))
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    async with hooks.delivering():
        delivery = await hooks.attempted(execution, 1)
        assert delivery.next_at is not None
        assert 89 < seconds_of(delivery.next_at) - seconds_of(delivery.attempts[0].at) < 92
        hooks.later(92)
        await hooks.reached(execution, "delivered")


async def test_an_address_that_is_gone_is_called_no_more_unless_a_person_asks(world: World, receiver: Receiver) -> None:
    receiver.answers.append(Answer(410))
    hooks = Hooks(world)
    first = await hooks.cancelled(receiver.url())
    async with hooks.delivering():
        await hooks.reached(first, "disabled")
        second = await hooks.cancelled(receiver.url())
        (silent,) = await hooks.reached(second, "disabled")
        assert [(each.status, "410" in (each.error or "")) for each in silent.attempts] == [(None, True)]
        assert len(receiver.calls) == 1
        await hooks.resend(second, silent.id)
        await hooks.reached(second, "delivered")
        third = await hooks.cancelled(receiver.url())
        await hooks.reached(third, "delivered")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(world: World, receiver: Receiver, status: int) -> None:
    receiver.answers.append(Answer(status, {"location": receiver.url("/elsewhere")}))
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    async with hooks.delivering():
        assert (await hooks.attempted(execution, 1)).attempts[0].status == status
    assert receiver.at("/elsewhere") == []
    await hooks.forget()


async def test_a_slow_receiver_holds_up_nobody_else(world: World, receiver: Receiver) -> None:
    release = threading.Event()
    hooks = Hooks(world)
    with Receiver() as slow:
        slow.usual = Answer(hold=release)
        async with hooks.delivering(limit=30):
            waiting = [await hooks.cancelled(slow.url()) for _ in range(12)]
            quick = [await hooks.cancelled(receiver.url()) for _ in range(12)]
            for execution in quick:
                await hooks.reached(execution, "delivered")
            assert 1 <= len(slow.calls) <= 8
            release.set()
            for execution in waiting:
                await hooks.reached(execution, "delivered")
    assert len({call.id for call in slow.calls}) == len(slow.calls) == 12


async def test_who_does_not_answer_is_given_up_in_time_and_called_again(world: World, receiver: Receiver) -> None:
    release = receiver.hold()
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    async with hooks.delivering(limit=0.3):
        delivery = await hooks.attempted(execution, 1)
        assert (delivery.state, delivery.attempts[0].error) == ("pending", "no answer within 0.3 s")
        release.set()
        hooks.later(6)
        await hooks.reached(execution, "delivered")


async def test_what_a_worker_died_with_is_delivered_by_another(world: World, receiver: Receiver) -> None:
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    (claim,), _ = await hooks.outbox.claim(held=20, later=1, free=10)
    assert claim.execution == execution
    async with hooks.delivering():
        with anyio.move_on_after(0.2):
            await hooks.reached(execution, "delivered")
        assert receiver.calls == []
        hooks.later(21)
        await hooks.reached(execution, "delivered")
    assert [call.id for call in receiver.calls] == [f"{execution}-{claim.delivery}"]


class Frozen(Outbox):
    """The outbox of a worker that stands still when it has taken something, or when it has read it."""

    def __init__(self, hooks: Hooks, *, read: bool = False) -> None:
        super().__init__(hooks.world.redis, ahead=hooks.outbox.ahead)
        self.taken, self.thawed, self._read = anyio.Event(), anyio.Event(), read

    async def claim(
        self, *, held: float, later: float, free: int, busy: Iterable[Claim] = ()
    ) -> tuple[list[Claim], bool]:
        if self.taken.is_set():
            await self.thawed.wait()
        return await super().claim(held=held, later=later, free=free, busy=busy)

    async def open(self, claim: Claim, offset: int, endpoint: str) -> Parcel | None:
        parcel = await super().open(claim, offset, endpoint) if self._read else None
        self.taken.set()
        await self.thawed.wait()
        return parcel or await super().open(claim, offset, endpoint)


@pytest.mark.parametrize("gone", [False, True])
async def test_a_worker_that_stood_still_calls_nobody_whom_another_has_called(
    world: World, receiver: Receiver, gone: bool
) -> None:
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    outbox = Frozen(hooks)
    async with hooks.delivering(outbox=outbox) as frozen:
        await outbox.taken.wait()
        async with hooks.delivering():
            hooks.later(31)
            (delivery,) = await hooks.reached(execution, "delivered")
        if gone:
            await hooks.outbox.disable("open", delivery.endpoint, 60)
        outbox.thawed.set()
        await wait_until(lambda: not frozen.busy, description="it has gone on")
        assert await hooks.deliveries(execution) == [delivery]
    assert len(receiver.calls) == 1


async def test_what_a_person_asks_for_while_its_address_is_found_disabled_is_delivered(
    world: World, receiver: Receiver
) -> None:
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    (delivery,) = await hooks.deliveries(execution)
    await hooks.outbox.disable("open", delivery.endpoint, 60)
    outbox = Frozen(hooks, read=True)
    async with hooks.delivering(outbox=outbox):
        await outbox.taken.wait()
        await hooks.resend(execution, delivery.id)
        outbox.thawed.set()
        hooks.later(2)
        await hooks.reached(execution, "delivered")


async def test_a_deliverer_that_is_told_to_stop_leaves_its_calls_to_others(world: World, receiver: Receiver) -> None:
    release = receiver.hold()
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    async with hooks.delivering():
        await wait_until(lambda: len(receiver.calls) == 1, description="the call is under way")
    release.set()
    async with hooks.delivering():
        hooks.later(2)
        await hooks.reached(execution, "delivered")
    assert [call.id for call in receiver.calls] == [receiver.calls[0].id] * 2


async def test_two_workers_deliver_each_event_once(world: World, receiver: Receiver) -> None:
    hooks = Hooks(world)
    async with hooks.delivering(), hooks.delivering():
        executions = [await hooks.cancelled(receiver.url(f"/{number}")) for number in range(40)]
        for execution in executions:
            await hooks.reached(execution, "delivered")
    assert len({call.id for call in receiver.calls}) == len(receiver.calls) == 40


async def test_what_a_worker_with_a_wrong_clock_leaves_is_taken_when_it_is_due(
    world: World, receiver: Receiver
) -> None:
    receiver.answers.append(Answer(500))
    hooks = Hooks(world)
    failed = await hooks.cancelled(receiver.url())
    async with hooks.delivering(wrong=3600):
        await hooks.attempted(failed, 1)
    async with hooks.delivering():
        await hooks.reached(await hooks.cancelled(receiver.url()), "delivered")
        hooks.later(6)
        await hooks.reached(failed, "delivered")


async def test_a_worker_with_a_wrong_clock_takes_nothing_from_the_others(world: World, receiver: Receiver) -> None:
    release = receiver.hold()
    hooks = Hooks(world)
    held = await hooks.cancelled(receiver.url())
    async with hooks.delivering(limit=30):
        await wait_until(lambda: len(receiver.calls) == 1, description="the call is under way")
        async with hooks.delivering(wrong=3600) as wrong:
            others = [await hooks.cancelled(receiver.url()) for _ in range(3)]
            for each in others:
                await hooks.reached(each, "delivered")
            wrong.missed()
            await wait_until(lambda: not wrong.busy, description="it has looked")
        release.set()
        await hooks.reached(held, "delivered")
    assert len({call.id for call in receiver.calls}) == len(receiver.calls) == 4


async def test_a_resend_while_a_call_is_under_way_is_not_lost(world: World, receiver: Receiver) -> None:
    release = receiver.hold(500)
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
    async with hooks.delivering():
        await wait_until(lambda: len(receiver.calls) == 1, description="the call is under way")
        (delivery,) = await hooks.deliveries(execution)
        await hooks.resend(execution, delivery.id)
        release.set()
        hooks.later(6)
        await hooks.reached(execution, "delivered")


async def test_a_record_that_cannot_be_read_holds_up_nothing_else(world: World, receiver: Receiver) -> None:
    """As one of a newer version; it is there still when somebody can read it."""
    hooks = Hooks(world)
    broken, whole = await hooks.cancelled(receiver.url("/broken")), await hooks.cancelled(receiver.url("/whole"))
    (delivery,) = await hooks.deliveries(broken)
    records = keys.execution("open", broken).deliveries
    await world.redis.hset(records, delivery.id, b'{"type":"execution.cancelled","state":"dreamt"}')
    async with hooks.delivering() as deliverer:
        await hooks.reached(whole, "delivered")
        await wait_until(lambda: not deliverer.busy, description="the other one is let go")
        await world.redis.hset(records, delivery.id, b'{"type":"execution.cancelled"}')
        hooks.later(30)
        await hooks.reached(broken, "delivered")


async def test_a_record_that_cannot_be_read_is_left_out_of_the_list_and_told_in_the_log(world: World) -> None:
    hooks = Hooks(world)
    execution = await hooks.cancelled("http://127.0.0.1:1/broken", "http://127.0.0.1:1/whole")
    broken, whole = await hooks.deliveries(execution)
    records = keys.execution("open", execution).deliveries
    await world.redis.hset(records, broken.id, b'{"type":"execution.cancelled","state":"dreamt"}')
    with capture_logs() as logs:
        assert await hooks.deliveries(execution) == [whole]
    assert [log["delivery"] for log in logs if log["event"] == "webhook.unreadable"] == [broken.id]
    with pytest.raises(Refused, match="cannot be read") as refused:
        await hooks.resend(execution, broken.id)
    assert refused.value.code is ErrorCode.UNAVAILABLE
    await hooks.forget()


async def test_an_endpoint_that_cannot_be_read_is_listed_without_its_host(world: World) -> None:
    hooks = Hooks(world)
    execution = await hooks.cancelled("http://127.0.0.1:1/")
    (delivery,) = await hooks.deliveries(execution)
    field = f"{keys.HOOK}{delivery.endpoint}"
    await world.redis.hset(keys.execution("open", execution).state, field, b'{"url":1}')
    (shown,) = await hooks.deliveries(execution)
    assert (shown.id, shown.host, shown.format) == (delivery.id, "", "")
    await hooks.forget()


async def test_what_cannot_be_made_again_is_refused(world: World) -> None:
    hooks = Hooks(world)
    execution = await hooks.cancelled("http://127.0.0.1:1/")
    for delivery in ("7-none", "nonsense", "/"):
        with pytest.raises(Refused) as refused:
            await world.dispatch.handle(Resend(execution=execution, delivery=delivery), RARA)
        assert refused.value.code is ErrorCode.NOT_FOUND
    await hooks.forget()
