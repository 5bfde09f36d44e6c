"""Whose webhooks are called: of a request, of the configuration, of each tenant; and which of them are refused."""

import msgspec
import pytest

from protocol.commands import Cancel, Deliveries, Get, Start
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server.auth import Principal, Role
from server.dispatch.webhooks import add_webhooks
from server.store.outbox import MOST_ADDED
from server.webhooks.addresses import NOTHING
from server.webhooks.schedule import SCHEDULE
from server.webhooks.subscriptions import Configured, Endpoint, Subscriptions
from tests.support.hooks import PUBLIC, Hooks, hook
from tests.support.receiver import SECRET, Answer, Receiver
from tests.support.scripted import RARA, World
from tests.support.waiting import wait_until

ENDS = ("execution.completed", "execution.cancelled")


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
    execution = await hooks.cancelled()
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
    execution = await hooks.cancelled()
    hooks.subscriptions = Subscriptions()
    async with hooks.delivering():
        for tries, pause in enumerate(SCHEDULE[1:], 1):
            await hooks.attempted(execution, tries)
            hooks.later(pause + 1)
        (delivery,) = await hooks.reached(execution, "failed")
    assert "configured" in (delivery.attempts[0].error or "")
    assert receiver.calls == []


async def test_a_worker_that_does_not_know_a_webhook_yet_does_not_lose_its_calls(
    world: World, receiver: Receiver
) -> None:
    """A server with a new configuration is brought up process by process."""
    configured = [Configured(endpoint=Endpoint(url=receiver.url(), events=list(ENDS)))]
    hooks = Hooks(world, configured)
    execution = await hooks.cancelled()
    known, hooks.subscriptions = hooks.subscriptions, Subscriptions()
    async with hooks.delivering():
        assert (await hooks.attempted(execution, 1)).state == "pending"
    hooks.subscriptions = known
    async with hooks.delivering():
        hooks.later(6)
        await hooks.reached(execution, "delivered")


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
    execution = await hooks.cancelled(f"https://localhost:{receiver.port}/hook")
    async with hooks.delivering():
        (delivery,) = await hooks.reached(execution, "failed")
    assert len(delivery.attempts) == 1
    assert "no address of the public internet" in (delivery.attempts[0].error or "")
    assert receiver.calls == []


async def test_one_address_twice_is_refused(world: World) -> None:
    hooks = Hooks(world)
    with pytest.raises(Refused, match="twice"):
        await hooks.start(hook("http://127.0.0.1:1/"), hook("http://127.0.0.1:1/", "execution.failed"))
    for secret in ("secret", "whsec_", "whsec_c2hvcnQ=", "whsec_ünicode"):
        with pytest.raises(Refused, match="secret"):
            await hooks.start(hook("http://127.0.0.1:1/", secret=secret))


async def test_an_execution_does_not_gather_webhooks_without_end(world: World) -> None:
    """Each `/resume` may bring others; all are called of each event, and kept until the execution ends."""
    hooks = Hooks(world)
    execution = await hooks.start(hook("https://hooks.example/first", "execution.completed"))
    work = world.dispatch.work

    def bring(name: object) -> Endpoint:
        return Endpoint(url=f"https://hooks.example/{name}", events=["execution.completed"])

    for number in range(MOST_ADDED - 1):
        await add_webhooks(work, execution, {"crewWebhookUrl": bring(number)})
    await add_webhooks(work, execution, {"crewWebhookUrl": bring(0)})  # it is known already
    before = await world.store.row(execution)
    with pytest.raises(Refused, match="webhooks") as refused:
        await add_webhooks(work, execution, {"a": bring(1), "b": bring("more")})
    assert refused.value.code is ErrorCode.OVER_QUOTA
    assert await world.store.row(execution) == before
    await world.dispatch.handle(Cancel(execution=execution), RARA)
    with pytest.raises(Refused) as ended:
        await add_webhooks(work, execution, {"a": bring("late")})
    assert ended.value.code is ErrorCode.CONFLICT


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
