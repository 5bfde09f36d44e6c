"""Many crews at once: each has its own people, its own questions, and nobody hears of another's."""

import anyio

from protocol.ids import new_id
from tests.support.client import Client
from tests.support.stack import Stack
from tests.support.story import TASKS, told
from tests.support.waiting import wait_until

CREWS, SOCKETS = 30, 6


async def test_thirty_crews_at_once_do_not_mix(stack: Stack) -> None:
    topics = [new_id("topic") for _ in range(CREWS)]
    asked: list[str] = []
    async with anyio.create_task_group() as group:
        for socket in range(SOCKETS):
            group.start_soon(run_crews, stack, socket, topics[socket::SOCKETS], topics, asked)


async def run_crews(stack: Stack, socket: int, mine: list[str], topics: list[str], asked: list[str]) -> None:
    """Run some of the crews over one socket: all are started, and when all thirty ask, each is revised and approved."""
    async with stack.connect(socket % 2) as client:
        started: dict[str, str] = {}
        for topic in mine:
            start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
            started[topic] = start["execution"]
        drafts = {topic: await client.question(execution, "agree") for topic, execution in started.items()}
        listed = (await client.command("list", what="checkpoints", limit=200))["items"]
        assert {draft["id"] for draft in drafts.values()} <= {checkpoint["id"] for checkpoint in listed}
        asked += drafts
        await wait_until(lambda: len(asked) == len(topics), description="all ask at once", timeout=60)
        for topic, draft in drafts.items():
            assert draft["draft"]["text"] == told("draft", topic)
            await client.decide(draft, "revise", feedback=f"note-{topic}")
        for topic, execution in started.items():
            redraft = await client.question(execution, "agree", version=2)
            assert redraft["draft"]["text"] == told("draft", topic, f"note-{topic}")
            await client.decide(redraft, "approve")
        for topic, execution in started.items():
            check_own(client, topic, await client.end(execution))
        check_no_other(client, started, topics)


def check_own(client: Client, topic: str, end: dict[str, object]) -> None:
    """Look for a whole story, about its own topic only."""
    assert end["type"] == "execution.completed"
    events = client.events(str(end["execution"]))
    assert [event["offset"] for event in events] == list(range(1, len(events) + 1))
    outputs = [event["data"]["output"] for event in events if event["type"] == "task.completed"]
    assert outputs == [told("draft", topic, f"note-{topic}"), *(told(task, topic) for task in TASKS[1:])]


def check_no_other(client: Client, started: dict[str, str], topics: list[str]) -> None:
    """Look through every frame of a socket, deltas too, for what belongs to others."""
    topic_of = {execution: topic for topic, execution in started.items()}
    for raw, frame in zip(client.raw, client.frames, strict=True):
        if "execution" in frame:
            own = topic_of[frame["execution"]]
            assert [topic for topic in topics if topic != own and topic in str(raw)] == []
