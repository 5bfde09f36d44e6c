"""Redis is killed and comes back while every door but the socket is in use: nothing is lost, doubled or left hanging.

What the socket promises in the same case, `test_failures` shows.
"""

import json
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest
from ag_ui_validate.pytest_plugin import assert_valid_agui

from protocol.client import AsyncClient
from protocol.events import Event
from tests.support.http import Answer, ask
from tests.support.stack import Stack, installed
from tests.support.story import TASKS, Storyteller, told
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def machines(tales: Storyteller) -> Iterator[Stack]:
    with installed(tales.server.url, durable=True) as stack:
        yield stack


@pytest.fixture
async def whole(machines: Stack) -> AsyncIterator[Stack]:
    await machines.mend()
    yield machines
    if machines.valkey.process is None:
        machines.valkey.start()


async def request(stack: Stack, method: str, path: str, body: Any = None) -> Answer:
    return await anyio.to_thread.run_sync(ask, stack.port, method, path, body)


async def break_redis_during(stack: Stack, tales: Storyteller, topic: str, task: str) -> None:
    """Kill Redis while the model is asked for a task, start it again, and let the model answer meanwhile."""
    await wait_until(lambda: tales.calls(task, topic) == 1, description=f"{task} is asked for", timeout=30)
    stack.valkey.stop(signal.SIGKILL)


async def test_the_call_that_waits(whole: Stack, tales: Storyteller, topic: str) -> None:
    release = tales.hold("polish", topic)
    answers: list[Answer] = []

    async def call() -> None:
        answers.append(await request(whole, "POST", "/api/crew", {"crew": "story", "message": topic}))

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await break_redis_during(whole, tales, topic, "polish")
        release()
        whole.valkey.start()
    (answer,) = answers
    assert (answer.status, answer.json["status"]) == (200, "complete"), answer.text
    assert [task["output"] for task in answer.json["task_outputs"]] == [told(task, topic) for task in TASKS]
    assert [tales.calls(task, topic) for task in TASKS] == [1, 1, 1]


async def test_a_run_of_ag_ui(whole: Stack, tales: Storyteller, topic: str) -> None:
    release = tales.hold("polish", topic)
    answers: list[Answer] = []
    body = {
        "threadId": topic, "runId": "r1", "protocolVersion": "1.0", "state": {}, "tools": [], "context": [],
        "messages": [{"id": "m1", "role": "user", "content": topic}], "forwardedProps": {},
    }  # fmt: skip

    async def run() -> None:
        answers.append(await request(whole, "POST", "/ag-ui/story", body))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await break_redis_during(whole, tales, topic, "polish")
        release()
        whole.valkey.start()
    lines = [line[6:] for line in answers[0].text.splitlines() if line.startswith("data: ")]
    assert_valid_agui("\n".join(lines), max_warnings=0)
    events = [json.loads(line) for line in lines]
    assert events[-1]["type"] == "RUN_FINISHED"
    assert events[-1]["outcome"]["type"] == "success"
    steps = [event["stepName"] for event in events if event["type"] == "STEP_FINISHED"]
    assert steps == TASKS, "each once, in order"
    assert events[-1]["result"]["output"] == told("publish", topic)


async def test_the_contract_that_is_polled(whole: Stack, tales: Storyteller, topic: str) -> None:
    release = tales.hold("polish", topic)
    started = await request(whole, "POST", "/api/crew/execute", {"crew": "story", "message": topic, "checkpoints": []})
    path = f"/api/crew/status/{started.json['execution_id']}"
    await break_redis_during(whole, tales, topic, "polish")
    away = await request(whole, "GET", path)
    assert away.status == 503
    assert "try again" in away.json["detail"]
    release()
    whole.valkey.start()

    async def completed() -> bool:
        answer = await request(whole, "GET", path)
        assert answer.status in (200, 503)
        return answer.status == 200 and answer.json["status"] == "completed"

    await wait_until(completed, description="it is completed", timeout=30)


async def test_the_python_client(whole: Stack, tales: Storyteller, topic: str) -> None:
    release = tales.hold("polish", topic)
    async with AsyncClient(f"http://127.0.0.1:{whole.port}") as client:
        started = await client.start("story", {"topic": topic})
        seen: list[int] = []
        async with client.watch(started.execution) as watch, anyio.create_task_group() as group:

            async def follow() -> None:
                seen.extend([frame.offset async for frame in watch if isinstance(frame, Event)])

            group.start_soon(follow)
            await break_redis_during(whole, tales, topic, "polish")
            release()
            whole.valkey.start()
    assert seen == list(range(1, len(whole.log(started.execution)) + 1))


async def test_the_python_clients_inbox(whole: Stack, topic: str) -> None:
    """It is asked for while Redis is away, and comes when that is back; what is decided then leaves it."""
    async with AsyncClient(f"http://127.0.0.1:{whole.port}") as client:
        started = await client.start("story", {"topic": topic}, checkpoints=["agree"])

        async def waits() -> bool:
            return bool((await client.get(started.execution)).checkpoints)

        await wait_until(waits, description="it asks", timeout=30)
        whole.valkey.stop(signal.SIGKILL)
        async with client.inbox() as inbox, anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, whole.valkey.start)
            mine: list[Any] = []
            while not mine:
                mine = [one for one in await anext(inbox) if one.execution == started.execution]
            await client.decide(mine[0], "approve")
            while mine:
                mine = [one for one in await anext(inbox) if one.execution == started.execution]
