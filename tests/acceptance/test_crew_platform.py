"""A client written for CrewAI's own platform works unchanged: `/kickoff`, `/status`, `/resume`, `/inputs`."""

from typing import Any

import pytest

from tests.support.crew_api import asked, call, polled
from tests.support.stack import Stack
from tests.support.story import TASKS, told


async def test_a_client_of_crewais_platform_works_here(stack: Stack, topic: str) -> None:
    assert (await call(stack, "GET", "/inputs")).json == {"inputs": ["topic"]}
    started = await call(stack, "POST", "/kickoff", {"inputs": {"topic": topic}, "checkpoints": ["agree"], "meta": {}})
    assert (started.status, list(started.json)) == (200, ["kickoff_id"])
    execution = started.json["kickoff_id"]
    pending = await polled(stack, execution, "pending_human_input", "/status")
    assert (pending["task_id"], pending["task_output"]) == ("draft", told("draft", topic))
    assert pending["progress"] == {"completed_tasks": 0, "total_tasks": 3}
    answer = {"execution_id": execution, "task_id": "draft", "human_feedback": "more rain", "is_approve": False}
    retried = await call(stack, "POST", "/resume", answer)
    assert (retried.status, retried.json["status"]) == (200, "retrying")
    await asked(stack, execution, version=2)
    resumed = await call(stack, "POST", "/resume", {**answer, "human_feedback": "", "is_approve": True})
    assert (resumed.status, resumed.json["status"]) == (200, "resumed")
    done = await polled(stack, execution, "completed", "/status")
    assert done["result"]["output"] == told("publish", topic)
    assert [task["task_id"] for task in done["result"]["tasks"]] == TASKS
    assert done["result"]["tasks"][0]["output"] == told("draft", topic, "more rain")
    assert done["execution_time"] >= 0
    late = await call(stack, "POST", "/resume", answer)
    assert (late.status, late.json["message"]) == (400, "Execution is not in pending human input state")


RESUME = {"execution_id": "x_none", "task_id": "draft", "human_feedback": "", "is_approve": True}
PLATFORM: list[tuple[str, str, Any, int]] = [
    ("GET", "/status/x_none", None, 404),
    ("GET", "/inputs?crew=nobody", None, 404),
    ("POST", "/kickoff", {}, 400),
    ("POST", "/kickoff", {"inputs": {}}, 422),
    ("POST", "/kickoff", {"inputs": {"topic": "tea"}, "checkpoints": ["unheard"]}, 400),
    *[
        ("POST", "/kickoff", {"inputs": {"topic": "tea"}, name: value}, 400)
        for name, value in (
            ("taskWebhookUrl", "http://hooks.example"),
            ("stepWebhookUrl", "https://10.0.0.1"),
            ("crewWebhookUrl", ["https://hooks.example"]),
            ("humanInputWebhook", "https://hooks.example"),
            ("humanInputWebhook", {"url": "https://hooks.example", "authentication": {"strategy": "digest"}}),
            ("webhooks", {"url": "https://hooks.example", "events": ["crew_kickoff_started"]}),
            ("restoreFromStateId", "7"),
        )
    ],
    ("POST", "/resume", RESUME, 404),
    ("POST", "/resume", {**RESUME, "crewWebhookUrl": 7}, 400),
    ("POST", "/resume", {**RESUME, "is_approve": "yes"}, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), PLATFORM)
async def test_refusals_of_the_platform(stack: Stack, method: str, path: str, body: Any, status: int) -> None:
    answer = await call(stack, method, path, body)
    assert answer.status == status
    assert answer.json["detail"] == answer.json["message"]
    if status == 422:
        assert answer.json["details"] == {"missing_inputs": ["topic"]}
