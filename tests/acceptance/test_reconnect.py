"""A connection may be lost at any moment: whoever comes back with a position has the same transcript, byte for byte."""

import anyio
import pytest

from protocol.ids import new_id
from tests.support.client import Client, Frame, is_event, position
from tests.support.stack import Stack

FORMS = pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])


async def told_in_full(stack: Stack, topic: str) -> tuple[str, int]:
    """Run an execution with a revision and two checkpoints; give its id and the number of its events."""
    async with stack.connect() as client:
        start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree", "release"])
        execution = start["execution"]
        await decide_all(client, execution)
        return execution, (await client.end(execution))["offset"]


async def decide_all(client: Client, execution: str) -> None:
    await client.decide(await client.question(execution, "agree"), "revise", feedback="more salt")
    await client.decide(await client.question(execution, "agree", version=2), "approve")
    await client.decide(await client.question(execution, "release"), "approve")


@FORMS
async def test_an_ended_execution_is_replayed_the_same_from_every_offset(
    stack: Stack, topic: str, binary: bool
) -> None:
    execution, last = await told_in_full(stack, topic)
    async with stack.connect(binary=binary) as client:
        await client.command("watch", execution=execution)
        await client.end(execution)
        whole = client.transcript(execution)
        places = [position(event) for event in client.events(execution)]
    assert len(whole) == last > 25
    for place in places:
        async with stack.connect(binary=binary) as client:
            reply = await client.command("watch", execution=execution, after=place)
            await client.until(lambda frame: frame["type"] == "synced")
            assert reply["recovered"]
            assert client.transcript(execution) == whole[place["offset"] :]


@FORMS
async def test_a_live_socket_is_cut_at_every_offset(stack: Stack, topic: str, binary: bool) -> None:
    """One client for every offset: each loses its socket there, and comes back while the crew goes on."""
    _, last = await told_in_full(stack, new_id("topic"))
    transcripts: dict[int, list[str | bytes]] = {}
    async with stack.connect(binary=binary) as whole:
        start = await whole.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree", "release"])
        execution = start["execution"]

        async def cut_at(offset: int, ready: anyio.Event) -> None:
            async with stack.connect(offset % 2, binary=binary) as client:
                await client.command("watch", execution=execution)
                ready.set()
                met = await client.until(lambda frame: is_event(frame) and frame["offset"] == offset)
                client.cut()
                before = client.transcript(execution)[:offset]
            transcripts[offset] = before + await rest(stack, execution, met, binary)

        async with anyio.create_task_group() as group:
            for offset in range(1, last + 1):
                ready = anyio.Event()
                group.start_soon(cut_at, offset, ready)
                await ready.wait()
            await decide_all(whole, execution)
            await whole.end(execution)
    expected = whole.transcript(execution)
    assert sorted(transcripts) == list(range(1, last + 1))
    assert [offset for offset, transcript in transcripts.items() if transcript != expected] == []


async def rest(stack: Stack, execution: str, met: Frame, binary: bool) -> list[str | bytes]:
    async with stack.connect(met["offset"] % 2, binary=binary) as client:
        reply = await client.command("watch", execution=execution, after=position(met))
        assert reply["recovered"]
        await client.end_seen(execution, met)
        return client.transcript(execution)


async def test_what_is_decided_before_the_cut_is_not_asked_again(stack: Stack, topic: str) -> None:
    async with stack.connect() as client:
        start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree", "release"])
        execution = start["execution"]
        draft = await client.question(execution, "agree")
        await client.decide(draft, "approve")
        client.cut()
    async with stack.connect() as client:
        await client.command("watch", execution=execution, after={"epoch": start["epoch"], "offset": 1})
        release = await client.question(execution, "release")
        again = await client.refused("decide", execution=execution, checkpoint=draft["id"], action="stop")
        assert (again["code"], again["detail"]["action"]) == ("already_decided", "approve")
        await client.decide(release, "approve")
        assert (await client.end(execution))["type"] == "execution.completed"


@pytest.mark.parametrize("after", [{"epoch": "another", "offset": 3}, {"offset": 1_000_000}], ids=["epoch", "offset"])
async def test_a_position_that_is_not_in_the_log_gives_a_snapshot(stack: Stack, topic: str, after: Frame) -> None:
    async with stack.connect() as client:
        start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"], watch=False)
        execution = start["execution"]
        await client.command("watch", execution=execution)
        draft = await client.question(execution, "agree")
        async with stack.connect() as lost:
            reply = await lost.command("watch", execution=execution, after={"epoch": start["epoch"], **after})
            assert (reply["recovered"], reply["checkpoints"]) == (False, [draft])
            snapshot = await lost.until(lambda frame: frame["type"] == "snapshot")
            assert (snapshot["execution"]["state"], snapshot["checkpoints"]) == ("waiting", [draft])
            synced = await lost.until(lambda frame: frame["type"] == "synced")
            assert position(synced) == position(snapshot) == position(client.events(execution)[-1])
            await lost.decide(draft, "approve")
            await lost.end(execution)
            await client.end(execution)
            first = snapshot["offset"]
            assert lost.transcript(execution) == client.transcript(execution)[first:]
