"""`POST /api/crew`: the call that waits for the crew's end."""

from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from tests.support.crew_api import call, polled
from tests.support.stack import Stack
from tests.support.story import TASKS, Storyteller, told
from tests.support.waiting import wait_until


async def test_the_call_that_waits_gives_everything(stack: Stack, topic: str) -> None:
    answer = await call(stack, "POST", "/api/crew", {"user_input": topic, "language": "English"}, web=1)
    body = answer.json
    assert (answer.status, body["status"], body["output"]) == (200, "complete", told("publish", topic))
    assert [each["output"] for each in body["task_outputs"]] == [told(task, topic) for task in TASKS]
    assert [(step["agent"], step["task"]) for step in body["progress"]] == [("Writer", task) for task in TASKS]
    stamps = [step["timestamp"] for step in body["progress"]]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize("body", [{"ping": True}, {"ping": "ping"}, {"message": "ping"}, {"user_input": "ping"}])
async def test_a_ping_is_answered_at_once(stack: Stack, body: Any) -> None:
    answer = await call(stack, "POST", "/api/crew", body)
    assert (answer.status, answer.json) == (200, {"status": "ok", "message": "pong"})


@pytest.mark.parametrize(
    ("body", "status"), [({}, 400), ({"message": 7}, 400), (b"{", 400), ({"message": "a", "crew": "unbuildable"}, 500)]
)
async def test_errors_of_the_call_that_waits(stack: Stack, body: Any, status: int) -> None:
    answer = await call(stack, "POST", "/api/crew", body)
    assert (answer.status, answer.json["status"], list(answer.json)) == (status, "error", ["status", "error"])


async def test_a_client_that_leaves_ends_nothing(stack: Stack, topic: str, tales: Storyteller) -> None:
    release = tales.hold("draft", topic)
    try:
        async with httpx.AsyncClient(timeout=30) as http, anyio.create_task_group() as tasks:
            url = f"http://127.0.0.1:{stack.port}/api/crew"
            tasks.start_soon(lambda: http.post(url, json={"message": topic}))
            await wait_until(lambda: tales.calls("draft", topic) == 1, description="the crew works", timeout=30)
            tasks.cancel_scope.cancel()
        listed = (await call(stack, "GET", "/api/crew/executions")).json["executions"]
        (mine,) = (each for each in listed if each["title"] == topic)
        assert mine["status"] == "running"
    finally:
        release()
    assert (await polled(stack, mine["execution_id"], "completed"))["result"]["output"] == told("publish", topic)
