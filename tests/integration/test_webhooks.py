"""Webhooks: queued with the event, delivered, tried again, given up, and made again when a person asks."""

import threading
from collections.abc import Iterator

import anyio
import msgspec
import pytest

from protocol.commands import Cancel, Deliveries, Fork, Get, Resend, Start
from protocol.errors import ErrorCode, Refused
from protocol.frames import seconds_of
from protocol.ids import ExecutionId
from protocol.objects import State
from server import keys
from server.auth import Principal, Role
from server.webhooks.addresses import NOTHING
from server.webhooks.schedule import SCHEDULE
from server.webhooks.subscriptions import Configured, Endpoint
from tests.support.contract import is_described
from tests.support.hooks import PUBLIC, Hooks, hook
from tests.support.receiver import SECRET, Answer, Receiver
from tests.support.scripted import RARA, World
from tests.support.waiting import wait_until

ENDS = ("execution.completed", "execution.cancelled")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


async def cancelled(hooks: Hooks, *webhooks: str) -> ExecutionId:
    """Make an execution that has ended; each webhook hears of its end."""
    execution = await hooks.start(*(hook(url, "execution.cancelled") for url in webhooks))
    await hooks.world.dispatch.handle(Cancel(execution=execution), RARA)
    return execution


async def test_a_delivery_is_queued_in_the_same_step_as_its_event(world: World) -> None:
    hooks = Hooks(world)
    async with world.worker():
        draft = await hooks.asked(hook("http://127.0.0.1:1/a"), hook("http://127.0.0.1:1/b", "execution.completed"))
        execution = draft.execution
        (first,) = await hooks.deliveries(execution)
        assert (first.event, first.state, first.attempts, first.host) == (
            "checkpoint.opened", "pending", [], "127.0.0.1:1",
        )  # fmt: skip
        await world.decide(draft, "approve")
        await world.state(execution, State.COMPLETED)
        queued = await hooks.deliveries(execution)
        assert [each.event for each in queued] == [
            "checkpoint.opened",
            "checkpoint.decided",
            *["execution.completed"] * 2,
        ]
        members = [keys.delivery("open", execution, each.id).encode() for each in queued]
        assert sorted(await world.redis.zrange(keys.outbox(), 0, -1)) == sorted(members)
        log = {event.offset: event.data.type.value for event in await world.log(execution)}
        assert [log[each.offset] for each in queued] == [each.event for each in queued]
    await hooks.forget()


async def test_without_webhooks_nothing_is_queued(world: World) -> None:
    hooks = Hooks(world)
    async with world.worker():
        draft = await hooks.asked()
        await world.decide(draft, "approve")
        await world.state(draft.execution, State.COMPLETED)
    names = keys.execution("open", draft.execution)
    assert await world.redis.exists(keys.outbox(), names.deliveries) == 0
    assert await hooks.deliveries(draft.execution) == []


async def test_a_call_tells_the_event_and_where_people_find_it(world: World, receiver: Receiver) -> None:
    hooks = Hooks(world)
    async with world.worker(), hooks.delivering():
        draft = await hooks.asked(hook(receiver.url()))
        execution = draft.execution
        await hooks.reached(execution, "delivered")
        await world.decide(draft, "approve")
        done = await hooks.reached(execution, "delivered", "delivered", "delivered")
    assert sorted(receiver.kinds()) == ["checkpoint.decided", "checkpoint.opened", "execution.completed"]
    page = await world.store.page(execution, 0)
    assert page is not None
    frames = {offset: msgspec.json.decode(frame) for offset, frame in page.frames}
    for call in receiver.calls:
        told = call.verified()
        is_described(told)
        event = frames[told["data"]["offset"]]
        about = {"crew": "scripted", "title": "tea", "link": f"{PUBLIC}/x/{execution}"}
        if event["type"].startswith("checkpoint."):
            about["link"] += f"/c/{draft.id}"
        assert told == {"type": event["type"], "timestamp": event["at"], "data": {**event, **about}}
    assert {call.id for call in receiver.calls} == {f"{execution}-{each.id}" for each in done}
    assert [each.attempts[0].status for each in done] == [204] * 3
    assert await world.redis.exists(keys.outbox()) == 0


async def test_a_call_that_fails_is_made_again_by_the_schedule_with_the_same_id(
    world: World, receiver: Receiver
) -> None:
    receiver.usual = Answer(500)
    hooks = Hooks(world)
    execution = await cancelled(hooks, receiver.url())
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
    execution = await cancelled(hooks, receiver.url())
    async with hooks.delivering():
        delivery = await hooks.attempted(execution, 1)
        assert delivery.next_at is not None
        assert 89 < seconds_of(delivery.next_at) - seconds_of(delivery.attempts[0].at) < 92
        hooks.later(92)
        await hooks.reached(execution, "delivered")


async def test_an_address_that_is_gone_is_called_no_more_unless_a_person_asks(world: World, receiver: Receiver) -> None:
    receiver.answers.append(Answer(410))
    hooks = Hooks(world)
    first = await cancelled(hooks, receiver.url())
    async with hooks.delivering():
        await hooks.reached(first, "disabled")
        second = await cancelled(hooks, receiver.url())
        (silent,) = await hooks.reached(second, "disabled")
        assert [(each.status, "410" in (each.error or "")) for each in silent.attempts] == [(None, True)]
        assert len(receiver.calls) == 1
        await hooks.resend(second, silent.id)
        await hooks.reached(second, "delivered")
        third = await cancelled(hooks, receiver.url())
        await hooks.reached(third, "delivered")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(world: World, receiver: Receiver, status: int) -> None:
    receiver.answers.append(Answer(status, {"location": receiver.url("/elsewhere")}))
    hooks = Hooks(world)
    execution = await cancelled(hooks, receiver.url())
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
            waiting = [await cancelled(hooks, slow.url()) for _ in range(12)]
            quick = [await cancelled(hooks, receiver.url()) for _ in range(12)]
            for execution in quick:
                await hooks.reached(execution, "delivered")
            assert 1 <= len(slow.calls) <= 4
            release.set()
            for execution in waiting:
                await hooks.reached(execution, "delivered")
    assert len({call.id for call in slow.calls}) == len(slow.calls) == 12


async def test_who_does_not_answer_is_given_up_in_time_and_called_again(world: World, receiver: Receiver) -> None:
    release = threading.Event()
    receiver.answers.append(Answer(hold=release))
    hooks = Hooks(world)
    execution = await cancelled(hooks, receiver.url())
    async with hooks.delivering(limit=0.3):
        delivery = await hooks.attempted(execution, 1)
        assert (delivery.state, delivery.attempts[0].error) == ("pending", "no answer within 0.3 s")
        release.set()
        hooks.later(6)
        await hooks.reached(execution, "delivered")


async def test_what_a_worker_died_with_is_delivered_by_another(world: World, receiver: Receiver) -> None:
    hooks = Hooks(world)
    execution = await cancelled(hooks, receiver.url())
    now = hooks.clock()
    (claim,) = await hooks.outbox.claim(now, until=now + 20, later=now + 1, limit=10, each=4, busy=())
    assert claim.execution == execution
    async with hooks.delivering():
        with anyio.move_on_after(0.2):
            await hooks.reached(execution, "delivered")
        assert receiver.calls == []
        hooks.later(21)
        await hooks.reached(execution, "delivered")
    assert [call.id for call in receiver.calls] == [f"{execution}-{claim.delivery}"]


async def test_a_deliverer_that_is_told_to_stop_leaves_its_calls_to_others(world: World, receiver: Receiver) -> None:
    release = threading.Event()
    receiver.answers.append(Answer(hold=release))
    hooks = Hooks(world)
    execution = await cancelled(hooks, receiver.url())
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
        executions = [await cancelled(hooks, receiver.url(f"/{number}")) for number in range(40)]
        for execution in executions:
            await hooks.reached(execution, "delivered")
    assert len({call.id for call in receiver.calls}) == len(receiver.calls) == 40


async def test_a_resend_while_a_call_is_under_way_is_not_lost(world: World, receiver: Receiver) -> None:
    release = threading.Event()
    receiver.answers.append(Answer(500, hold=release))
    hooks = Hooks(world)
    execution = await cancelled(hooks, receiver.url())
    async with hooks.delivering():
        await wait_until(lambda: len(receiver.calls) == 1, description="the call is under way")
        (delivery,) = await hooks.deliveries(execution)
        await hooks.resend(execution, delivery.id)
        release.set()
        hooks.later(6)
        await hooks.reached(execution, "delivered")


async def test_private_addresses_are_refused(world: World, receiver: Receiver) -> None:
    """At the start, where the address says so; at the call, where only DNS does."""
    hooks = Hooks(world, allow=NOTHING)
    for url in (
        receiver.url(),
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://hooks.example/",
        "https://169.254.169.254/",
    ):
        with pytest.raises(Refused) as refused:
            await hooks.start(hook(url))
        assert refused.value.code is ErrorCode.BAD_FIELD
    execution = await cancelled(hooks, f"https://localhost:{receiver.port}/hook")
    async with hooks.delivering():
        (delivery,) = await hooks.reached(execution, "failed")
    assert len(delivery.attempts) == 1
    assert "no address of the public internet" in (delivery.attempts[0].error or "")
    assert receiver.calls == []


async def test_secrets_are_not_told(world: World, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    receiver.answers.append(Answer(500))
    hooks = Hooks(world)
    secret_path = "/services/T0/B0/do-not-tell"
    async with world.worker(), hooks.delivering():
        draft = await hooks.asked(hook(receiver.url(secret_path)))
        await hooks.attempted(draft.execution, 1)
        told = [
            await world.dispatch.handle(Get(execution=draft.execution), RARA),
            await world.store.snapshot(draft.execution),
            await hooks.deliveries(draft.execution),
            await world.log(draft.execution),
        ]
        await world.decide(draft, "stop")
        hooks.later(6)
        await hooks.reached(draft.execution, "delivered", "delivered")
    text = "\n".join([msgspec.json.encode(each).decode() for each in told]) + "".join(capsys.readouterr())
    assert "do-not-tell" not in text
    assert SECRET not in text
    assert SECRET not in repr(hook(receiver.url()))


async def test_webhooks_of_the_configuration_hear_of_their_crews(world: World, receiver: Receiver) -> None:
    mine = Endpoint(url=receiver.url("/mine"), events=["checkpoint.opened", *ENDS], secret=SECRET)
    other = Endpoint(url=receiver.url("/other"), events=list(ENDS))
    every = Endpoint(url=receiver.url("/every"), events=list(ENDS), format="slack")
    hooks = Hooks(
        world,
        [
            Configured(endpoint=mine, crews=("scripted",)),
            Configured(endpoint=other, crews=("other",)),
            Configured(endpoint=every),
        ],
    )
    execution = await cancelled(hooks)
    async with hooks.delivering():
        await hooks.reached(execution, "delivered", "delivered")
    (call,) = receiver.at("/mine")
    assert call.verified()["type"] == "execution.cancelled"
    (message,) = receiver.at("/every")
    assert message.json == {"text": f"*tea*: Rara cancelled it. <{PUBLIC}/x/{execution}|Read>"}
    assert "webhook-signature" not in message.headers
    assert receiver.at("/other") == []
    row = await world.store.row(execution)
    assert row is not None
    assert SECRET.encode() not in b"".join(row.values())  # the operator's stay with the operator


async def test_a_webhook_that_is_configured_no_more_is_given_up(world: World, receiver: Receiver) -> None:
    hooks = Hooks(world, [Configured(endpoint=Endpoint(url=receiver.url(), events=list(ENDS)))])
    execution = await cancelled(hooks)
    hooks.subscriptions = type(hooks.subscriptions)()
    async with hooks.delivering():
        (delivery,) = await hooks.reached(execution, "failed")
    assert "configured" in (delivery.attempts[0].error or "")


async def test_every_tenants_webhooks_are_called_and_disabled_apart(world: World, receiver: Receiver) -> None:
    receiver.answers.append(Answer(410))
    hooks = Hooks(world)
    ends: dict[str, ExecutionId] = {}
    async with hooks.delivering():
        for tenant in ("kopi", "teh:tarik"):
            rara = Principal("rara", "Rara", tenant, frozenset({Role.OPERATOR}))
            start = Start(crew="scripted", inputs={"topic": "tea"}, webhooks=[hook(receiver.url(), *ENDS)])
            execution = ends[tenant] = (await world.dispatch.handle(start, rara)).execution
            await world.dispatch.handle(Cancel(execution=execution), rara)
            listing = Deliveries(execution=execution)

            async def tried(listing: Deliveries = listing, rara: Principal = rara) -> bool:
                return bool((await world.dispatch.handle(listing, rara)).items[0].attempts)

            await wait_until(tried, description=f"{tenant} is told")
            (delivery,) = (await world.dispatch.handle(listing, rara)).items
            assert delivery.state == ("disabled" if tenant == "kopi" else "delivered")
    assert [call.verified()["data"]["execution"] for call in receiver.calls] == list(ends.values())


async def test_a_fork_tells_of_its_own_events_only(world: World, receiver: Receiver) -> None:
    events = ["checkpoint.opened", "checkpoint.decided", "execution.completed", "execution.stopped"]
    hooks = Hooks(world, [Configured(endpoint=Endpoint(url=receiver.url(), events=events))])
    async with world.worker(), hooks.delivering():
        draft = await hooks.asked()
        await world.decide(draft, "approve")
        await hooks.reached(draft.execution, "delivered", "delivered", "delivered")
        command = Fork(execution=draft.execution, checkpoint=draft.id, action="stop")
        fork = (await world.dispatch.handle(command, RARA)).execution
        await world.running[0].advance(world.store.member(fork))
        told = await hooks.reached(fork, "delivered", "delivered")
    assert [each.event for each in told] == ["checkpoint.decided", "execution.stopped"]


async def test_deliveries_go_with_their_execution(world: World, receiver: Receiver) -> None:
    """The state is gone, and with it what a delivery needs: what is due of it is dropped."""
    hooks = Hooks(world)
    execution = await cancelled(hooks, receiver.url())
    names = keys.execution("open", execution)
    assert 0 < await world.redis.pttl(names.deliveries) <= world.store.retention
    await world.redis.delete(*names)
    async with hooks.delivering():

        async def empty() -> bool:
            return await world.redis.exists(keys.outbox()) == 0

        await wait_until(empty, description="nothing is due")
    assert await world.redis.exists(*names) == 0
    assert receiver.calls == []
    with pytest.raises(Refused) as refused:
        await hooks.deliveries(execution)
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_what_cannot_be_made_again_is_refused(world: World) -> None:
    hooks = Hooks(world)
    execution = await cancelled(hooks, "http://127.0.0.1:1/")
    for delivery in ("7-none", "nonsense", "/"):
        with pytest.raises(Refused) as refused:
            await world.dispatch.handle(Resend(execution=execution, delivery=delivery), RARA)
        assert refused.value.code is ErrorCode.NOT_FOUND
    await hooks.forget()


async def test_one_address_twice_is_refused(world: World) -> None:
    hooks = Hooks(world)
    with pytest.raises(Refused, match="twice"):
        await hooks.start(hook("http://127.0.0.1:1/"), hook("http://127.0.0.1:1/", "execution.failed"))
    for secret in ("secret", "whsec_", "whsec_c2hvcnQ=", "whsec_ünicode"):
        with pytest.raises(Refused, match="secret"):
            await hooks.start(hook("http://127.0.0.1:1/", secret=secret))
