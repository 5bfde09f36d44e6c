"""Webhooks: queued with the event, told, and kept as long as their execution."""

import msgspec
import pytest

from protocol.commands import Cancel, Fork
from protocol.errors import ErrorCode, Refused
from protocol.events import LlmCompleted
from protocol.objects import Cost, State, Usage
from server import keys
from server.runnable import Journal, Outcome
from server.webhooks.subscriptions import Configured, Endpoint
from tests.support.contract import is_described
from tests.support.hooks import PUBLIC, Hooks, hook
from tests.support.receiver import Receiver
from tests.support.scripted import RARA, World, question
from tests.support.waiting import wait_until


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
        assert await hooks.queued() == sorted(keys.delivery("open", execution, each.id) for each in queued)
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


async def test_slack_is_told_what_a_run_cost_that_was_cancelled(world: World, receiver: Receiver) -> None:
    async def costly(journal: Journal) -> Outcome:
        usage = Usage(calls=1, cost=Cost(amount="0.5", currency="USD"))
        journal.emit(LlmCompleted(call="c", stream="c", model="m", usage=usage))
        journal.emit(LlmCompleted(call="d", stream="d", model="m"))
        await journal.ask(question())
        return Outcome(output="")

    world.crew.script = costly
    hooks = Hooks(world)
    events = ("checkpoint.opened", "execution.cancelled")
    async with world.worker(), hooks.delivering():
        draft = await hooks.asked(hook(receiver.url(), *events, form="slack", secret=None))
        await hooks.reached(draft.execution, "delivered")
        await world.dispatch.handle(Cancel(execution=draft.execution), RARA)
        await hooks.reached(draft.execution, "delivered", "delivered")
    opened, cancelled = (call.json["text"] for call in receiver.calls)
    assert "USD" not in opened
    assert "cancelled it. It cost at least 0.5 USD. <" in cancelled


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


@pytest.mark.parametrize("named", [None, [], ["/own"]])
async def test_a_fork_keeps_the_webhooks_of_its_originals_request_unless_it_names_others(
    world: World, receiver: Receiver, named: list[str] | None
) -> None:
    hooks = Hooks(world, [Configured(endpoint=Endpoint(url=receiver.url("/ours"), events=["execution.stopped"]))])
    async with world.worker(), hooks.delivering():
        draft = await hooks.asked(hook(receiver.url("/asked"), "checkpoint.decided", "execution.stopped"))
        webhooks = None if named is None else [hook(receiver.url(path), "execution.stopped") for path in named]
        command = Fork(execution=draft.execution, checkpoint=draft.id, action="stop", webhooks=webhooks)
        fork = (await world.dispatch.handle(command, RARA)).execution
        await world.running[0].advance(world.store.member(fork))
        told = await hooks.reached(fork, *["delivered"] * (3 if named is None else 1 + len(named)))
        heard = {call.path for call in receiver.calls} - {"/ours"}
        await world.decide(draft, "stop")
        await hooks.reached(draft.execution, *["delivered"] * 3)
    assert [each.event for each in told][:1] == ["checkpoint.decided" if named is None else "execution.stopped"]
    assert heard == ({"/asked"} if named is None else set(named))
    assert len(receiver.at("/ours")) == 2


async def test_a_forks_own_webhooks_are_checked(world: World) -> None:
    hooks = Hooks(world)
    async with world.worker():
        draft = await hooks.asked()
        command = Fork(
            execution=draft.execution, checkpoint=draft.id, action="stop", webhooks=[hook("https://10.0.0.1/")]
        )
        with pytest.raises(Refused, match=r"webhooks\[0\]"):
            await world.dispatch.handle(command, RARA)
        await world.decide(draft, "stop")
        await world.state(draft.execution, State.STOPPED)


async def test_deliveries_go_with_their_execution(world: World, receiver: Receiver) -> None:
    """The state is gone, and with it what a delivery needs: what is due of it is dropped."""
    hooks = Hooks(world)
    execution = await hooks.cancelled(receiver.url())
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
