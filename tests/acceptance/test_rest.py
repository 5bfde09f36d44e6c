"""The whole work over plain HTTP: steer, fork, follow and talk, with a real crew."""

from typing import Any

import httpx
import pytest

from tests.support.client import Client
from tests.support.rest import api, reached, started
from tests.support.site import STREAM, take
from tests.support.site import told as server_sent
from tests.support.stack import Stack
from tests.support.story import Storyteller, told

ABSENT = "/executions/x_none"


async def test_an_execution_is_paused_resumed_and_cancelled(stack: Stack, topic: str) -> None:
    execution = await started(stack, topic, "agree")
    (draft,) = (await reached(stack, execution, "waiting"))["checkpoints"]
    paused = await api(stack, "POST", f"/executions/{execution}/pause", {"reason": "lunch"})
    assert (paused.status, paused.json["state"]) == (200, "paused")
    again = await api(stack, "POST", f"/executions/{execution}/pause")
    assert (again.status, again.json["code"], again.json["state"]) == (409, "conflict", "paused")
    resumed = await api(stack, "POST", f"/executions/{execution}/resume")
    assert (resumed.status, resumed.json["state"]) == (200, "waiting")
    assert (await api(stack, "GET", f"/executions/{execution}/checkpoints/{draft['id']}")).json == draft
    cancelled = await api(stack, "POST", f"/executions/{execution}/cancel")
    assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled")
    late = await api(stack, "POST", f"/executions/{execution}/resume")
    assert (late.status, late.json["code"], late.json["state"]) == (409, "ended", "cancelled")
    seen = (await api(stack, "GET", f"/executions/{execution}/checkpoints/{draft['id']}")).json
    assert seen["state"] == "withdrawn"
    log = (await api(stack, "GET", f"/executions/{execution}/events?limit=1000")).json["items"]
    told_of = {event["type"]: event["data"] for event in log}
    assert told_of["execution.paused"] == {"reason": "lunch"}


async def test_a_fork_pays_for_nothing_twice_and_leaves_its_original_alone(
    stack: Stack, client: Client, topic: str, tales: Storyteller
) -> None:
    """Fork at a decided checkpoint with another edit: the draft is shared, what comes behind it uses the new text."""
    first = await started(stack, topic, "agree")
    (draft,) = (await reached(stack, first, "waiting"))["checkpoints"]
    path = f"/executions/{first}/checkpoints/{draft['id']}/decision"
    assert (await api(stack, "POST", path, {"action": "edit", "output": "Their tea."})).status == 200
    original = await reached(stack, first, "completed")
    before, paid = stack.log(first), tales.calls("draft", topic)
    body = {"checkpoint": draft["id"], "action": "edit", "output": "My tea."}
    made = await api(stack, "POST", f"/executions/{first}/fork", body, Idempotency_Key=topic)
    fork = made.json["execution"]
    assert (made.status, made.headers["location"]) == (201, f"/api/v1/executions/{fork}")
    forked = await reached(stack, fork, "completed")
    assert stack.log(first) == before
    assert (paid, tales.calls("draft", topic)) == (1, 1)
    prompts = tales.server.prompts(f"do polish about {topic}\n")
    assert ["Their tea." in prompt for prompt in prompts] == [True, False]
    assert ["My tea." in prompt for prompt in prompts] == [False, True]
    assert forked["execution"]["forked_from"] == {
        "execution": first, "checkpoint": draft["id"], "offset": len(before_opened(before))
    }  # fmt: skip
    assert forked["execution"]["tasks"][0]["output"] == "My tea."
    assert forked["execution"]["usage"]["calls"] == original["execution"]["usage"]["calls"] == 3
    again = await api(stack, "POST", f"/executions/{first}/fork", body, Idempotency_Key=topic)
    assert (again.status, again.json) == (200, {**made.json, "duplicate": True})
    other = await client.command("fork", execution=fork, checkpoint=forked["checkpoints"][0]["id"], action="stop")
    await client.command("watch", execution=other["execution"])
    assert (await client.end(other["execution"]))["type"] == "execution.stopped"


def before_opened(log: list[bytes]) -> list[bytes]:
    """Take the events up to the first that opens a checkpoint."""
    number = next(n for n, frame in enumerate(log, 1) if frame.startswith(b'{"type":"checkpoint.opened"'))
    return log[:number]


async def test_forking_what_still_waits_lets_two_answers_run_side_by_side(
    stack: Stack, client: Client, topic: str
) -> None:
    execution = await started(stack, topic, "agree")
    await client.command("watch", execution=execution)
    draft = await client.question(execution, "agree")
    fork = (await client.command("fork", execution=execution, checkpoint=draft["id"], action="approve"))["execution"]
    await client.command("watch", execution=fork)
    assert (await client.end(fork))["data"]["output"] == told("publish", topic)
    await client.decide(draft, "stop")
    assert (await client.end(execution))["type"] == "execution.stopped"


@pytest.mark.parametrize("web", [0, 1])
async def test_a_stream_of_events_is_what_a_socket_gets(stack: Stack, client: Client, topic: str, web: int) -> None:
    execution = await started(stack, topic, "agree")
    await client.command("watch", execution=execution)
    url = f"http://127.0.0.1:{stack.webs[web].port}/api/v1/executions/{execution}/events"
    async with httpx.AsyncClient(timeout=30) as http:
        async with http.stream("GET", url, headers=STREAM) as answer:
            seen = await take(server_sent(answer.aiter_lines()), "checkpoint.opened")
        await client.decide(await client.question(execution, "agree"), "approve")
        await client.end(execution)
        headers = {**STREAM, "last-event-id": seen[-1].id}
        async with http.stream("GET", url, headers=headers) as answer:
            seen += [each async for each in server_sent(answer.aiter_lines()) if "." in each.frame["type"]]
    assert [each.frame for each in seen if "." in each.frame["type"]] == client.events(execution)


async def test_waiting_for_the_next_event_page_by_page(stack: Stack, topic: str) -> None:
    """A script that has nothing but requests sees every event, as soon as it comes."""
    execution = await started(stack, topic)
    after, kinds = 0, list[str]()
    while not kinds or not kinds[-1].startswith("execution.completed"):
        answer = await api(stack, "GET", f"/executions/{execution}/events?after={after}&wait=20", web=1)
        kinds += [event["type"] for event in answer.json["items"]]
        after += len(answer.json["items"])
    assert kinds.count("task.completed") == 3
    assert after == answer.json["last"]


REFUSALS: list[tuple[str, str, Any, int, str]] = [
    *[("POST", f"{ABSENT}/{verb}", None, 404, "not_found") for verb in ("cancel", "pause", "resume")],
    ("POST", f"{ABSENT}/cancel", {"reason": 7}, 422, "bad_field"),
    ("POST", f"{ABSENT}/cancel", {"execution": "x_other"}, 422, "bad_field"),
    ("POST", f"{ABSENT}/pause", {"loud": True}, 422, "bad_field"),
    ("POST", f"{ABSENT}/resume", b"{", 400, "bad_json"),
    ("POST", f"{ABSENT}/fork", {"checkpoint": "cp_none", "action": "approve"}, 404, "not_found"),
    ("POST", f"{ABSENT}/fork", {"action": "approve"}, 422, "bad_field"),
    ("POST", f"{ABSENT}/fork", {"checkpoint": "cp_none", "action": "approve", "type": "cancel"}, 422, "bad_field"),
    ("GET", f"{ABSENT}/events", None, 404, "not_found"),
    ("GET", f"{ABSENT}/events?after=tea", None, 422, "bad_field"),
    ("GET", f"{ABSENT}/events?wait=3600", None, 422, "bad_field"),
    ("GET", f"{ABSENT}/checkpoints/cp_none", None, 404, "not_found"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), REFUSALS)
async def test_refusals_are_problem_documents(
    stack: Stack, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer = await api(stack, method, path, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json["status"], answer.json["code"]) == (status, code)
    assert "Traceback" not in answer.text


async def test_a_path_that_is_not_there_is_a_problem_document_too(stack: Stack) -> None:
    answer = await api(stack, "GET", "/nothing")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    refused = await api(stack, "DELETE", "/executions")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_a_stream_of_what_is_not_there_is_a_problem_document(stack: Stack) -> None:
    answer = await api(stack, "GET", f"{ABSENT}/events", None, Accept="text/event-stream")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    bad = await api(stack, "GET", f"{ABSENT}/events", None, Accept="text/event-stream", Last_Event_ID="tea")
    assert (bad.status, bad.json["code"]) == (422, "bad_field")


async def test_people_talk_about_a_draft_before_they_decide(stack: Stack, topic: str) -> None:
    execution = await started(stack, topic, "agree")
    (draft,) = (await reached(stack, execution, "waiting"))["checkpoints"]
    path = f"/executions/{execution}/checkpoints/{draft['id']}"
    said = await api(stack, "POST", f"{path}/comments", {"text": "Is the tide right?"}, Idempotency_Key=topic)
    again = await api(stack, "POST", f"{path}/comments", {"text": "Is the tide right?"}, Idempotency_Key=topic)
    assert (said.status, again.json) == (201, {**said.json, "duplicate": True})
    refused = await api(stack, "POST", f"{path}/extension", {"seconds": 60})
    assert (refused.status, refused.json["code"]) == (409, "conflict"), "it has no deadline"
    for wrong in ({}, {"seconds": 0}, {"seconds": "long"}, {"seconds": 1, "checkpoint": "cp"}):
        assert (await api(stack, "POST", f"{path}/extension", wrong)).status == 422
    assert (await api(stack, "POST", f"{path}/comments", {"text": ""})).status == 422
    log = (await api(stack, "GET", f"/executions/{execution}/events?limit=1000")).json["items"]
    assert [event["data"]["text"] for event in log if event["type"] == "checkpoint.commented"] == ["Is the tide right?"]
    assert (await api(stack, "POST", f"{path}/decision", {"action": "stop"})).status == 200
    assert (await api(stack, "POST", f"{path}/comments", {"text": "late"})).json["code"] == "already_decided"
