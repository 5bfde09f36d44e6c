"""AG-UI over HTTP against a real installation; every stream is checked by the protocol's own models and validator."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.to_thread
import pytest
from ag_ui.core import Event as AgUiEvent
from ag_ui_validate.pytest_plugin import assert_valid_agui
from pydantic import TypeAdapter

from protocol.ids import new_id
from tests.support.client import Client
from tests.support.http import Answer, ask
from tests.support.processes import ROOT
from tests.support.stack import Stack
from tests.support.story import Storyteller, told

CHECK: TypeAdapter[Any] = TypeAdapter(AgUiEvent)


class Thread:
    """A front end's conversation with a crew, the story crew if no other is named."""

    def __init__(self, stack: Stack, topic: str, crew: str = "story", checkpoints: Sequence[str] = ("agree",)) -> None:
        self.stack = stack
        self.crew = crew
        self.checkpoints = list(checkpoints)
        self.ident = new_id("thread")
        self.topic = topic
        self.runs = 0
        self.messages: list[dict[str, Any]] = [{"id": "m1", "role": "user", "content": topic}]
        self.interrupts: list[dict[str, Any]] = []

    async def post(self, *, web: int = 0, **more: Any) -> Answer:
        self.runs += 1
        body = {
            "threadId": self.ident, "runId": f"r{self.runs}", "protocolVersion": "1.0", "state": {}, "tools": [],
            "context": [], "messages": self.messages, "forwardedProps": {"checkpoints": self.checkpoints}, **more,
        }  # fmt: skip
        port = self.stack.webs[web].port
        return await anyio.to_thread.run_sync(lambda: ask(port, "POST", f"/ag-ui/{self.crew}", body))

    async def run(self, **more: Any) -> list[dict[str, Any]]:
        """Run up to the end of the run; give its events, which are as AG-UI wants them."""
        answer = await self.post(**more)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream"), answer.text
        lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
        assert_valid_agui("\n".join(lines), max_warnings=0)
        events = [json.loads(line) for line in lines]
        for event in events:
            CHECK.validate_python(event)
            assert None not in event.values()
        if (last := events[-1])["type"] == "RUN_FINISHED":
            self.interrupts = last["outcome"].get("interrupts", [])
        self.messages = [self.messages, *(e["messages"] for e in events if e["type"] == "MESSAGES_SNAPSHOT")][-1]
        return events

    async def answer(self, payload: Any, status: str = "resolved", **more: Any) -> list[dict[str, Any]]:
        return await self.run(resume=[entry(self.interrupts[0], payload, status)], **more)


def entry(interrupt: dict[str, Any], payload: Any, status: str = "resolved") -> dict[str, Any]:
    return {"interruptId": interrupt["id"], "status": status, "payload": payload}


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


@pytest.fixture
def thread(stack: Stack, topic: str) -> Thread:
    return Thread(stack, topic)


async def test_a_thread_from_the_first_words_to_the_result(thread: Thread, tales: Storyteller) -> None:
    events = await thread.run()
    assert kinds(events)[:2] == ["RUN_STARTED", "STEP_STARTED"]
    assert kinds(events)[-4:] == ["STEP_FINISHED", "STATE_SNAPSHOT", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
    text = "".join(event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT")
    assert text == told("draft", thread.topic), "as it streams"
    (interrupt,) = thread.interrupts
    assert (interrupt["message"], interrupt["reason"]) == ("Agree on the draft", "quarterdeck:task.after")
    assert interrupt["metadata"]["quarterdeck"]["draft"]["text"] == told("draft", thread.topic)
    assert set(interrupt["responseSchema"]["properties"]) == {"action", "feedback", "approved", "output"}
    again = await thread.answer({"action": "revise", "feedback": "more salt"})
    assert thread.interrupts[0]["id"] == interrupt["id"]
    assert thread.interrupts[0]["metadata"]["quarterdeck"]["version"] == 2
    assert [event["name"] for event in again if event["type"] == "CUSTOM"] == ["checkpoint.decided"]
    events = await thread.answer({"approved": True, "output": "Mine."})
    assert events[-1]["outcome"] == {"type": "success"}
    assert events[-1]["result"]["output"] == told("publish", thread.topic)
    assert [message["role"] for message in thread.messages] == ["user", *["assistant"] * 5]
    assert thread.messages[-1]["content"] == told("publish", thread.topic)
    assert [tales.calls(task, thread.topic) for task in ("draft", "polish", "publish")] == [2, 1, 1]


async def test_what_waits_is_offered_again_on_every_attach(thread: Thread) -> None:
    await thread.run()
    (first,) = thread.interrupts
    for _ in range(2):
        thread.messages = []
        events = await thread.run(web=1)
        assert kinds(events) == ["RUN_STARTED", "STATE_SNAPSHOT", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
        assert thread.interrupts == [first]
    await thread.answer({"approved": True})
    said = [message["content"] for message in thread.messages]
    assert said == [told(task, thread.topic) for task in ("draft", "polish", "publish")], "each once"
    thread.messages = []
    ended = await thread.run()
    assert ended[-1]["result"] == {"output": told("publish", thread.topic)}
    assert thread.messages[-1]["content"] == told("publish", thread.topic)


async def test_a_cancel_decides_nothing(thread: Thread) -> None:
    await thread.run()
    (first,) = thread.interrupts
    events = await thread.answer(None, status="cancelled")
    assert events[-1]["outcome"] == {"type": "cancelled"}
    await thread.run()
    assert thread.interrupts == [first]


@pytest.mark.parametrize("payload", [{}, {"approved": None}, {"feedback": "hm"}, [], 7, {"action": 7}, "yes"])
async def test_what_is_no_answer_decides_nothing(thread: Thread, payload: Any) -> None:
    await thread.run()
    (first,) = thread.interrupts
    answer = await thread.post(resume=[entry(first, payload)])
    assert answer.status in (400, 409, 422)
    assert answer.json["code"] in ("bad_field", "not_offered")
    await thread.run()
    assert thread.interrupts == [first]


async def test_a_no_never_approves(thread: Thread) -> None:
    await thread.run()
    again = await thread.answer({"approved": False, "feedback": "more salt"})
    assert again[-1]["outcome"]["type"] == "interrupt"
    assert thread.interrupts[0]["metadata"]["quarterdeck"]["version"] == 2
    stopped = await thread.answer({"approved": False})
    assert (stopped[-1]["outcome"], stopped[-1]["result"]) == ({"type": "cancelled"}, {"state": "stopped"})


async def test_who_is_slower_is_told_who_was_faster_and_what_comes_next(
    thread: Thread, client: Client, stack: Stack
) -> None:
    await thread.run()
    checkpoint = thread.interrupts[0]["metadata"]["quarterdeck"]
    await client.command(
        "decide", execution=checkpoint["execution"], checkpoint=checkpoint["checkpoint"], action="revise",
        feedback="more salt",
    )  # fmt: skip
    await client.command("watch", execution=checkpoint["execution"])
    await client.question(checkpoint["execution"], "agree", version=2)
    events = await thread.answer({"approved": True, "version": 1})
    (lost,) = [event["value"] for event in events if event["type"] == "CUSTOM"]
    assert (lost["interruptId"], lost["code"], lost["version"]) == (checkpoint["checkpoint"], "stale_version", 2)
    assert thread.interrupts[0]["metadata"]["quarterdeck"]["version"] == 2
    await client.command(
        "decide", execution=checkpoint["execution"], checkpoint=checkpoint["checkpoint"], action="stop"
    )
    events = await thread.answer({"approved": True})
    (lost,) = [event["value"] for event in events if event["type"] == "CUSTOM"]
    assert (lost["code"], lost["action"]) == ("already_decided", "stop")
    assert events[-1]["outcome"] == {"type": "cancelled"}


async def test_two_doors_at_once_have_one_winner(thread: Thread, client: Client) -> None:
    for _ in range(5):
        thread = Thread(thread.stack, new_id("topic"))
        await thread.run()
        checkpoint = thread.interrupts[0]["metadata"]["quarterdeck"]
        named = {"execution": checkpoint["execution"], "checkpoint": checkpoint["checkpoint"]}
        frames: list[Any] = []

        async def stop(named: dict[str, Any] = named, frames: list[Any] = frames) -> None:
            frames.append(await client.answer({"type": "decide", "id": named["checkpoint"], **named, "action": "stop"}))

        events: list[dict[str, Any]] = []
        async with anyio.create_task_group() as group:
            group.start_soon(stop)
            events += await thread.answer({"approved": True})
        lost = any(event.get("name") == "decision.lost" for event in events)
        assert lost is (frames[0]["type"] == "reply"), "exactly one has won"


async def test_a_second_message_begins_the_next_run_of_the_thread(thread: Thread) -> None:
    await thread.run(forwardedProps={})
    thread.messages.append({"id": "m2", "role": "user", "content": [{"type": "text", "text": f"{thread.topic}-more"}]})
    events = await thread.run(forwardedProps={})
    assert events[-1]["result"]["output"] == told("publish", f"{thread.topic}-more")


async def test_a_run_that_fails_says_why(stack: Stack, topic: str) -> None:
    body = {"threadId": topic, "runId": "r", "messages": [{"id": "m", "role": "user", "content": topic}]}
    answer = await anyio.to_thread.run_sync(lambda: ask(stack.port, "POST", "/ag-ui/failing", body))
    last = json.loads(answer.text.strip().splitlines()[-1][6:])
    assert last["type"] == "RUN_ERROR"
    assert last["message"]


@pytest.mark.parametrize(
    ("crew", "body", "status", "code"),
    [
        ("story", b"{", 400, "bad_json"),
        ("story", {}, 422, "bad_field"),
        ("story", {"threadId": "", "runId": "r", "messages": []}, 422, "bad_field"),
        ("story", {"threadId": "t", "runId": "r", "messages": [{"role": "user"}]}, 422, "bad_field"),
        ("story", {"threadId": "t0", "runId": "r", "messages": []}, 422, "missing_inputs"),
        ("nobody", {"threadId": "t0", "runId": "r", "messages": []}, 404, "unknown_crew"),
        ("story", {"threadId": "t0", "runId": "r", "messages": [], "resume": [
            {"interruptId": "cp", "status": "resolved"}]}, 404, "not_found"),
        ("story", {"threadId": "t0", "runId": "r", "messages": [], "resume": [
            {"interruptId": "cp", "status": "maybe"}]}, 422, "bad_field"),
        ("story", {"threadId": "t0", "runId": "r", "messages": [], "forwardedProps": {"inputs": 7}}, 422, "bad_field"),
        ("story", {"threadId": "t0", "runId": "r", "messages": [], "forwardedProps": {"checkpoints": 7}}, 422,
         "bad_field"),
    ],
)  # fmt: skip
def test_what_is_no_run_is_refused_before_it_begins(stack: Stack, crew: str, body: Any, status: int, code: str) -> None:
    answer = ask(stack.port, "POST", f"/ag-ui/{crew}", body)
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_the_protocols_own_client_holds_a_whole_conversation(stack: Stack, topic: str) -> None:
    """It learns of the question, is offered it again after a reload, sends it back, approves, and has the result."""
    command = ["node", str(ROOT / "tests/support/agui.mjs"), f"http://127.0.0.1:{stack.port}", topic]
    done = await anyio.to_thread.run_sync(
        lambda: subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["first"] == ["Agree on the draft"]
    assert "pending interrupt" in saw["refused"], "it does not go on without an answer"
    assert len(saw["offered"]) == 1
    assert saw["version"] == 2
    assert saw["result"]["output"] == told("publish", topic)
    assert saw["status"] == 404
    assert saw["texts"][-1] == ["assistant", told("publish", topic)]
    assert (saw["state"]["state"], set(saw["state"]["tasks"].values())) == ("completed", {"completed"})
    assert "fault" not in done.stderr.lower()
