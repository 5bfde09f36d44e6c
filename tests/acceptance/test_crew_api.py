"""A front end written for `/api/crew` works unchanged: the whole life of an execution by that contract, real crews."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.support import demo
from tests.support.client import Client, Frame, Refusal
from tests.support.crew_api import BARE, asked, call, execute, feedback, polled
from tests.support.processes import CREWS
from tests.support.stack import Stack, installed
from tests.support.story import TASKS, Storyteller, told
from tests.support.waiting import wait_until

PAGE = "https://app.example"


async def test_the_whole_life_of_an_execution(stack: Stack, topic: str) -> None:
    execution = await execute(stack, topic, "agree")
    first = await asked(stack, execution)
    waiting = await polled(stack, execution, "waiting_feedback")
    assert waiting == {**BARE, "execution_id": execution, "status": "waiting_feedback",
                       "current_checkpoint": first["checkpoint_id"]}  # fmt: skip
    assert (first["execution_id"], first["checkpoint_name"], first["status"]) == (execution, "agree", "pending")
    assert first["context"]["result_preview"] == told("draft", topic)
    assert (first["context"]["task"], first["context"]["agent"]) == ("draft", "Writer")
    # this front end sends the checkpoint's name for its id
    sent = await feedback(stack, execution, "agree", "revise", "more rain")
    assert (sent.status, sent.json) == (200, {
        "status": "feedback_received", "action": "revise", "execution_id": execution, "checkpoint_id": "agree",
    })  # fmt: skip
    second = await asked(stack, execution, version=2)
    assert second["context"]["draft"] == told("draft", topic, "more rain")
    assert (await feedback(stack, execution, second["checkpoint_id"], "continue")).status == 200
    done = await polled(stack, execution, "completed")
    assert (done["current_checkpoint"], done["completed_checkpoints"]) == (None, [second["checkpoint_id"]])
    result = done["result"]
    assert (result["status"], result["output"]) == ("complete", told("publish", topic))
    assert [(each["task"], each["agent"]) for each in result["task_outputs"]] == [(task, "Writer") for task in TASKS]
    assert result["task_outputs"][0]["output"] == told("draft", topic, "more rain")
    assert result["token_usage"]["successful_requests"] == 4
    over = await call(stack, "GET", f"/api/crew/checkpoint/{execution}")
    assert (over.status, list(over.json)) == (400, ["detail"])
    late = await feedback(stack, execution, second["checkpoint_id"], "continue")
    assert (late.status, list(late.json)) == (404, ["detail"])


async def test_skip_and_stop(stack: Stack, topic: str) -> None:
    execution = await execute(stack, topic, "agree", "release")
    assert (await feedback(stack, execution, (await asked(stack, execution))["checkpoint_id"], "skip")).status == 200

    async def released() -> bool:
        return bool((await asked(stack, execution))["checkpoint_name"] == "release")

    await wait_until(released, description="the release waits", timeout=30)
    assert (await feedback(stack, execution, "release", "stop")).status == 200
    stopped = await polled(stack, execution, "stopped")
    assert (stopped["result"], len(stopped["completed_checkpoints"])) == (None, 2)
    assert (await call(stack, "GET", f"/api/crew/checkpoint/{execution}")).status == 204


async def test_an_execution_is_listed_and_ended(stack: Stack, topic: str) -> None:
    execution = await execute(stack, topic, "agree")
    checkpoint = (await asked(stack, execution))["checkpoint_id"]
    listed = (await call(stack, "GET", "/api/crew/executions")).json["executions"]
    (mine,) = (each for each in listed if each["execution_id"] == execution)
    assert (mine["status"], mine["current_checkpoint"], mine["title"]) == ("waiting_feedback", checkpoint, topic)
    page = (await call(stack, "GET", "/api/crew/executions?limit=1")).json
    assert len(page["executions"]) == 1
    for _ in range(2):  # the second time changes nothing
        ended = await call(stack, "DELETE", f"/api/crew/execution/{execution}")
        assert (ended.status, ended.json) == (200, {"execution_id": execution, "status": "cancelled"})
    assert (await polled(stack, execution, "cancelled"))["current_checkpoint"] is None
    assert (await call(stack, "GET", f"/api/crew/checkpoint/{execution}")).status == 204
    assert (await feedback(stack, execution, checkpoint, "continue")).status == 404


async def test_a_crew_that_fails_says_why(stack: Stack, topic: str) -> None:
    answer = await call(stack, "POST", "/api/crew/execute", {"crew": "failing", "message": topic})
    failed = await polled(stack, answer.json["execution_id"], "error")
    assert (failed["result"], "almanac" in failed["error"]) == (None, True)
    together = await call(stack, "POST", "/api/crew", {"crew": "failing", "message": topic})
    assert (together.status, together.json["status"]) == (500, "error")
    assert together.json["error"] == failed["error"]


async def test_one_answer_wins_whichever_door_it_came_by(stack: Stack, client: Client, topic: str) -> None:
    execution = await execute(stack, topic, "agree")
    question: Frame = (await asked(stack, execution)) and await _question(client, execution)
    won: list[str] = []
    lost: Counter[Any] = Counter()

    async def by_contract(number: int) -> None:
        body = {"execution_id": execution, "checkpoint_id": "agree", "action": "continue", "feedback": str(number)}
        answer = await call(stack, "POST", "/api/crew/feedback", body, web=number % 2)
        won.append("compat") if answer.status == 200 else lost.update([answer.status])

    async def by_platform() -> None:
        body = {"execution_id": execution, "task_id": "draft", "human_feedback": "fine", "is_approve": True}
        answer = await call(stack, "POST", "/resume", body)
        won.append("compat") if answer.status == 200 else lost.update([answer.status])

    async def by_socket() -> None:
        try:
            await client.decide(question, "approve")
            won.append("websocket")
        except Refusal as refusal:
            lost.update([refusal.frame["code"]])

    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(by_contract, number)
        tasks.start_soon(by_platform)
        tasks.start_soon(by_socket)
    assert len(won) == 1
    assert lost.total() == 7
    assert set(lost) <= {400, 404, "already_decided"}
    await polled(stack, execution, "completed")
    decided = [event for event in demo.events(stack, execution) if event["type"] == "checkpoint.decided"]
    assert [event["data"]["via"] for event in decided] == won


async def _question(client: Client, execution: str) -> Frame:
    await client.command("watch", execution=execution)
    return await client.question(execution, "agree")


async def test_health(stack: Stack, topic: str) -> None:
    before = (await call(stack, "GET", "/health")).json
    execution = await execute(stack, topic, "agree")
    await asked(stack, execution)

    async def counted() -> bool:
        now = (await call(stack, "GET", "/health", web=1)).json
        return bool(now["status"] == "healthy" and now["active_executions"] > 0 and now["pending_checkpoints"] > 0)

    await wait_until(counted, description="what goes on is counted")
    assert list(before) == ["status", "active_executions", "pending_checkpoints"]
    root = await call(stack, "GET", "/", Accept="application/json")
    assert (root.status, root.json["status"], root.json["service"]) == (200, "healthy", "quarterdeck")
    for accept in ("*/*", "text/html,application/json;q=0.5"):
        assert (await call(stack, "GET", "/", Accept=accept)).text.startswith("<!doctype html>")
    await call(stack, "DELETE", f"/api/crew/execution/{execution}")


@pytest.fixture(scope="module")
def content(tales: Storyteller) -> Iterator[Stack]:
    """An installation whose default crew is not the first one, and which a page of another origin uses."""
    settings = {
        **demo.SETTINGS, "QUARTERDECK_CREWS": f"{CREWS},{demo.SETTINGS['QUARTERDECK_CREWS']}",
        "QUARTERDECK_DEFAULT_CREW": "content", "QUARTERDECK_ORIGINS": PAGE,
    }  # fmt: skip
    with installed(tales.server.url, webs=2, settings=settings) as stack:
        anyio.run(stack.mend)
        yield stack


async def test_the_default_crew_stops_at_the_usual_places_and_answers_a_page_elsewhere(content: Stack) -> None:
    preflight = {
        "Origin": PAGE,
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "content-type",
    }
    allowed = await call(content, "OPTIONS", "/api/crew/execute", None, 0, **preflight)
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, PAGE)
    body = {"message": demo.BRIEF, "language": "English"}
    answer = await call(content, "POST", "/api/crew/execute", body, Origin=PAGE)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    assert (await call(content, "POST", "/api/crew/execute", body, Origin="https://evil.example")).status == 403
    execution = answer.json["execution_id"]
    for name in ("after_planning", "after_analysis"):
        waiting = await _named(content, execution, name)
        assert waiting["context"]["phase"] == name.removeprefix("after_")
        assert len(waiting["context"]["result_preview"]) == 500
        assert (await feedback(content, execution, name, "continue")).status == 200
    done = await polled(content, execution, "completed")
    assert len(done["completed_checkpoints"]) == 2
    refused = await call(content, "GET", "/api/crew/status/x_none", Origin=PAGE)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (404, PAGE)


async def _named(stack: Stack, execution: str, name: str) -> Any:
    read: list[Any] = []

    async def look() -> bool:
        read[:] = [await asked(stack, execution)]
        return bool(read[0]["checkpoint_name"] == name)

    await wait_until(look, description=f"{name} waits", timeout=60)
    return read[0]
