"""Web processes share nothing but Redis: what is started on one is watched and decided on another."""

import anyio

from tests.support.stack import Stack
from tests.support.story import told


async def test_start_on_one_watch_and_decide_on_the_other(stack: Stack, topic: str) -> None:
    async with stack.connect(0) as author, stack.connect(1) as editor:
        await editor.command("watch", inbox=True)
        start = await author.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
        execution = start["execution"]
        asked = await editor.question(execution, "agree")  # through the inbox: nobody told it the id
        await editor.command("watch", execution=execution)
        await editor.decide(asked, "revise", feedback="more rope")
        for client in (author, editor):
            redraft = await client.question(execution, "agree", version=2)
            assert redraft["draft"]["text"] == told("draft", topic, "more rope")
        await author.decide(redraft, "approve")
        ends = [await client.end(execution) for client in (author, editor)]
        assert ends[0] == ends[1]
        assert ends[0]["type"] == "execution.completed"


async def test_a_client_goes_on_at_the_other_server(stack: Stack, topic: str) -> None:
    async with stack.connect(0) as client:
        start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
        draft = await client.question(start["execution"], "agree")
        before, place = client.transcript(start["execution"]), client.events(start["execution"])[-1]["offset"]
    async with stack.connect(1) as client:
        after = {"epoch": start["epoch"], "offset": place}
        reply = await client.command("watch", execution=start["execution"], after=after)
        assert reply["checkpoints"] == [draft]
        await client.decide(draft, "approve")
        await client.end(start["execution"])
        transcript = before + client.transcript(start["execution"])
    assert [frame.encode() if isinstance(frame, str) else frame for frame in transcript] == stack.log(
        start["execution"]
    )


async def test_one_key_starts_one_execution_however_often_and_wherever_it_is_sent(stack: Stack, topic: str) -> None:
    started: list[str] = []

    async def start(number: int) -> None:
        async with stack.connect(number % 2) as client:
            reply = await client.command("start", crew="story", inputs={"topic": topic}, key=topic)
            assert (await client.end(reply["execution"]))["data"]["output"] == told("publish", topic)
            started.append(reply["execution"])

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(start, number)
    assert len(started) == 10
    assert len(set(started)) == 1
    assert [frame for frame in stack.log(started[0]) if b'"execution.queued"' in frame] == stack.log(started[0])[:1]
