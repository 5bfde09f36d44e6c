"""The way of one execution, as a person with a socket sees it."""

from tests.support.client import Client
from tests.support.stack import Stack
from tests.support.story import TASKS, Storyteller, told
from tests.support.waiting import wait_until


async def test_start_watch_answer_finish(client: Client, topic: str, tales: Storyteller) -> None:
    started = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree", "release"])
    execution = started["execution"]
    assert started["offset"] == 1

    draft = await client.question(execution, "agree")
    assert draft["draft"]["text"] == told("draft", topic)
    assert [action["id"] for action in draft["actions"]] == ["approve", "edit", "revise", "skip", "stop"]
    reply = await client.decide(draft, "revise", feedback="more wind")
    assert reply["state"] == "running"

    redraft = await client.question(execution, "agree", version=2)
    assert (redraft["id"], redraft["draft"]["text"]) == (draft["id"], told("draft", topic, "more wind"))
    assert [judged["action"] for judged in redraft["history"]] == ["revise"]
    await client.decide(redraft, "approve")

    release = await client.question(execution, "release")
    assert release["draft"]["text"] == f"do publish about {topic}"
    await client.decide(release, "approve")

    end = await client.end(execution)
    assert end["type"] == "execution.completed"
    assert end["data"]["output"] == told("publish", topic)
    assert [task["task"] for task in end["data"]["tasks"]] == TASKS
    assert [tales.calls(task, topic) for task in TASKS] == [2, 1, 1]


async def test_every_step_comes_in_order(client: Client, topic: str) -> None:
    execution = (await client.command("start", crew="story", inputs={"topic": topic}))["execution"]
    await client.end(execution)
    events = client.events(execution)
    assert [event["offset"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["epoch"] for event in events}) == 1
    steps = [event["type"] for event in events if not event["type"].startswith("llm.")]
    task = ["task.started", "agent.started", "agent.completed", "task.completed"]
    assert steps == ["execution.queued", "execution.started", *task * 3, "execution.completed"]


async def test_streamed_pieces_join_to_the_whole_text(client: Client, topic: str) -> None:
    execution = (await client.command("start", crew="story", inputs={"topic": topic}))["execution"]
    await client.end(execution)
    streams = [event["data"]["stream"] for event in client.events(execution) if event["type"] == "llm.started"]
    assert len(streams) == 3
    for task, stream in zip(TASKS, streams, strict=True):
        deltas = [f for f in client.frames if f["type"] == "delta" and f["stream"] == stream]
        assert [delta["index"] for delta in deltas] == list(range(len(deltas)))
        assert "".join(delta["text"] for delta in deltas) == told(task, topic)


async def test_an_edit_replaces_the_text_for_all_that_follows(client: Client, topic: str, tales: Storyteller) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    draft = await client.question(start["execution"], "agree")
    await client.decide(draft, "edit", output="A wholly other text.")
    await client.end(start["execution"])
    decided = await client.find("checkpoint.decided", start["execution"], action="edit")
    assert "+A wholly other text." in decided["data"]["diff"]
    done = await client.find("task.completed", start["execution"], task="draft")
    assert (done["data"]["output"], done["data"]["edited"]) == ("A wholly other text.", True)
    assert "A wholly other text." in tales.server.prompts(f"do polish about {topic}\n")[0]


async def test_stop_keeps_the_work_so_far(client: Client, topic: str, tales: Storyteller) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["release"])
    await client.decide(await client.question(start["execution"], "release"), "stop")
    end = await client.end(start["execution"])
    assert end["type"] == "execution.stopped"
    read = (await client.command("get", execution=start["execution"]))["execution"]
    assert [(task["name"], task["state"]) for task in read["tasks"][:2]] == [
        ("draft", "completed"),
        ("polish", "completed"),
    ]
    assert tales.calls("publish", topic) == 0


async def test_cancel_ends_at_once_and_withdraws_the_question(client: Client, topic: str) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    draft = await client.question(start["execution"], "agree")
    reply = await client.command("cancel", execution=start["execution"], reason="no more tea")
    assert reply["state"] == "cancelled"
    end = await client.end(start["execution"])
    assert (end["type"], end["data"]["reason"], end["by"]["name"]) == ("execution.cancelled", "no more tea", "You")
    read = await client.command("get", execution=start["execution"])
    assert [checkpoint["state"] for checkpoint in read["checkpoints"]] == ["withdrawn"]
    late = await client.refused("decide", execution=start["execution"], checkpoint=draft["id"], action="approve")
    assert late["code"] == "ended"


async def test_cancel_in_the_middle_of_a_task_does_not_wait_for_the_model(
    client: Client, topic: str, tales: Storyteller
) -> None:
    release = tales.hold("polish", topic)
    start = await client.command("start", crew="story", inputs={"topic": topic})
    await wait_until(lambda: tales.calls("polish", topic) == 1, description="it is in the middle of a task")
    await client.command("cancel", execution=start["execution"])
    end = await client.end(start["execution"])
    assert end["type"] == "execution.cancelled"
    release()
    other = await client.command("start", crew="story", inputs={"topic": f"{topic}-next"})
    assert (await client.end(other["execution"]))["type"] == "execution.completed"
    await client.command("watch", execution=start["execution"], after={"epoch": end["epoch"], "offset": end["offset"]})
    await client.until(lambda frame: frame["type"] == "synced" and frame["offset"] >= end["offset"])
    assert client.events(start["execution"])[-1] == end, "nothing is said after the end"
    assert tales.calls("publish", topic) == 0


async def test_the_inbox_shows_what_waits_and_forgets_what_was_answered(stack: Stack, topic: str) -> None:
    async with stack.connect() as author, stack.connect() as editor:
        await editor.command("watch", inbox=True)
        start = await author.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
        draft = await editor.question(start["execution"], "agree")
        listed = await editor.command("list", what="checkpoints", limit=200)
        assert draft["id"] in [checkpoint["id"] for checkpoint in listed["items"]]
        await editor.decide(draft, "approve")
        decided = await editor.find("checkpoint.decided", start["execution"])
        assert decided["data"]["checkpoint"] == draft["id"]
        listed = await editor.command("list", what="checkpoints", limit=200)
        assert draft["id"] not in [checkpoint["id"] for checkpoint in listed["items"]]
        await author.end(start["execution"])


async def test_an_open_question_is_offered_again_on_every_watch(stack: Stack, client: Client, topic: str) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    draft = await client.question(start["execution"], "agree")
    async with stack.connect() as late:
        for after in ("start", "now"):
            reply = await late.command("watch", execution=start["execution"], after=after)
            assert reply["checkpoints"] == [draft]
        await late.decide(reply["checkpoints"][0], "approve")
        assert (await late.end(start["execution"]))["type"] == "execution.completed"
