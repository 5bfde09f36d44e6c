"""Executions over plain HTTP: started once, decided and listed; what is refused is a problem document."""

from typing import Any

import pytest

from tests.support.client import Client
from tests.support.rest import api
from tests.support.stack import Stack
from tests.support.story import told
from tests.support.waiting import wait_until


async def test_an_execution_over_plain_requests(stack: Stack, topic: str) -> None:
    body = {"crew": "story", "inputs": {"topic": topic}, "checkpoints": ["agree"], "title": topic}
    started = await api(stack, "POST", "/executions", body)
    execution = started.json["execution"]
    assert (started.status, started.headers["location"]) == (201, f"/api/v1/executions/{execution}")

    async def read() -> Any:
        return (await api(stack, "GET", f"/executions/{execution}")).json

    async def waits() -> bool:
        return bool((await read())["execution"]["state"] == "waiting")

    async def completed() -> bool:
        return bool((await read())["execution"]["state"] == "completed")

    await wait_until(waits, description="it asks")
    (draft,) = (await read())["checkpoints"]
    listed = (await api(stack, "GET", "/checkpoints?limit=200")).json["items"]
    assert draft in listed
    waiting = (await api(stack, "GET", "/executions?state=waiting&crew=story&limit=200")).json["items"]
    assert [item["title"] for item in waiting if item["id"] == execution] == [topic]
    path = f"/executions/{execution}/checkpoints/{draft['id']}/decision"
    decided = await api(stack, "POST", path, {"action": "approve", "version": 1})
    assert (decided.status, decided.json["state"]) == (200, "running")
    await wait_until(completed, description="it is completed")
    done = (await read())["execution"]
    assert (done["output"], done["progress"]) == (told("publish", topic), {"done": 3, "total": 3})
    crews = (await api(stack, "GET", "/crews")).json["items"]
    assert [crew["name"] for crew in crews if "broken" not in crew] == ["story", "failing"]


async def test_lists_come_in_pages_without_holes(stack: Stack, client: Client, topic: str) -> None:
    made = [
        (await client.command("start", crew="story", inputs={"topic": topic}, watch=False))["execution"]
        for _ in range(7)
    ]
    for execution in made:
        await client.command("watch", execution=execution)
        await client.end(execution)
    found: list[str] = []
    query = "limit=3&state=completed"
    while len(found) < len(made):
        page = (await api(stack, "GET", f"/executions?{query}")).json
        found += [item["id"] for item in page["items"] if item["id"] in made]
        query = f"limit=3&state=completed&cursor={page['next']}" if "next" in page else ""
        assert query or len(found) == len(made)
    assert found == made[::-1]


async def test_the_same_idempotency_key_starts_one_execution(stack: Stack, topic: str) -> None:
    body = {"crew": "story", "inputs": {"topic": topic}}
    first = await api(stack, "POST", "/executions", body, Idempotency_Key=topic)
    again = await api(stack, "POST", "/executions", body, Idempotency_Key=topic)
    other = await api(stack, "POST", "/executions", body, Idempotency_Key=f"{topic}-2")
    assert (first.status, again.status, other.status) == (201, 200, 201)
    assert again.json["execution"] == first.json["execution"] != other.json["execution"]
    assert again.json["duplicate"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [("POST", "/executions", {"crew": "pirates"}, 404, "unknown_crew"),
     ("POST", "/executions", {"crew": "story"}, 422, "missing_inputs"),
     ("POST", "/executions", {"crew": "unbuildable"}, 409, "crew_broken"),
     ("POST", "/executions", {"crew": "story", "loud": 1}, 422, "bad_field"),
     ("POST", "/executions", [], 400, "bad_frame"),
     ("POST", "/executions", b"{tea", 400, "bad_json"),
     ("POST", "/executions", b'{"crew":"\xff"}', 400, "bad_json"),
     ("POST", "/executions", b"[" * 70_000, 413, "too_large"),
     ("GET", "/executions/x_none", None, 404, "not_found"),
     ("GET", "/executions?limit=0", None, 422, "bad_field"),
     ("GET", "/executions?cursor=tea", None, 422, "bad_field"),
     ("GET", "/checkpoints?state=revising", None, 422, "bad_field"),
     ("POST", "/executions/x_none/checkpoints/cp_none/decision", {"action": "approve"}, 404, "not_found"),
     ("POST", "/executions/x_none/checkpoints/cp_none/decision", {}, 422, "bad_field")],
)  # fmt: skip
async def test_refusals_are_problem_documents(
    stack: Stack, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer = await api(stack, method, path, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json
    assert (problem["status"], problem["code"], problem["retry"]) == (status, code, False)
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
