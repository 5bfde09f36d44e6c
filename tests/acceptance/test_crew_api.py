"""A front end written for `/api/crew` works unchanged: the whole life of an execution by that contract, real crews."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from tests.support import demo
from tests.support.client import Client, Frame, Refusal
from tests.support.http import Answer, ask
from tests.support.processes import CREWS
from tests.support.stack import Stack
from tests.support.story import TASKS, Storyteller, told
from tests.support.waiting import wait_until

BARE: dict[str, Any] = {"current_checkpoint": None, "completed_checkpoints": [], "result": None, "error": None}
PAGE = "https://app.example"


async def call(stack: Stack, method: str, path: str, body: Any = None, web: int = 0, **headers: str) -> Answer:
    """Send one request as a front end does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await anyio.to_thread.run_sync(ask, stack.webs[web].port, method, path, body, named)


async def execute(stack: Stack, topic: str, *checkpoints: str) -> str:
    """Start the crew, and check what is answered at once."""
    answer = await call(stack, "POST", "/api/crew/execute", {"message": topic, "checkpoints": checkpoints})
    assert answer.status == 200
    assert answer.json == {"execution_id": answer.json["execution_id"], "status": "running", **BARE}
    return str(answer.json["execution_id"])


async def polled(stack: Stack, execution: str, status: str, path: str = "/api/crew/status") -> Any:
    """Ask until the execution has a status."""
    read: list[Any] = []

    async def look() -> bool:
        read[:] = [(await call(stack, "GET", f"{path}/{execution}", web=1)).json]
        return bool(read[0]["status"] == status)

    await wait_until(look, description=f"{execution} is {status}", timeout=30)
    return read[0]


async def asked(stack: Stack, execution: str, version: int = 1) -> Any:
    """Ask until a checkpoint waits, and give it."""
    read: list[Any] = []

    async def look() -> bool:
        answer = await call(stack, "GET", f"/api/crew/checkpoint/{execution}")
        read[:] = [answer.json] if answer.status == 200 else []
        return bool(read and read[0]["context"]["version"] == version)

    await wait_until(look, description=f"version {version} of a checkpoint waits", timeout=30)
    return read[0]


async def feedback(stack: Stack, execution: str, checkpoint: str, action: str, words: str | None = None) -> Answer:
    body = {"execution_id": execution, "checkpoint_id": checkpoint, "action": action, "feedback": words}
    return await call(stack, "POST", "/api/crew/feedback", body, web=1)


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


FEEDBACK = {"execution_id": "x_none", "checkpoint_id": "agree", "action": "continue"}
REFUSALS: list[tuple[str, str, Any, int, bool]] = [
    # method, path, body, status, whether the detail is a list of what is wrong with the body
    ("GET", "/api/crew/status/x_none", None, 404, False),
    ("GET", "/api/crew/checkpoint/x_none", None, 404, False),
    ("DELETE", "/api/crew/execution/x_none", None, 404, False),
    ("GET", "/api/crew/executions?limit=0", None, 422, False),
    ("GET", "/api/crew/executions?cursor=tea", None, 422, False),
    ("POST", "/api/crew/feedback", FEEDBACK, 404, False),
    ("POST", "/api/crew/feedback", {"execution_id": "x_none"}, 422, True),
    ("POST", "/api/crew/feedback", b"{", 422, True),
    ("POST", "/api/crew/execute", {"message": 7}, 422, True),
    ("POST", "/api/crew/execute", {"message": "tea", "checkpoints": "agree"}, 422, True),
    ("POST", "/api/crew/execute", [], 422, True),
    ("POST", "/api/crew/execute", {}, 400, False),
    ("POST", "/api/crew/execute", {"message": " "}, 400, False),
    ("POST", "/api/crew/execute", {"message": "tea", "checkpoints": ["unheard"]}, 400, False),
    ("POST", "/api/crew/execute", {"message": "tea", "crew": "nobody"}, 404, False),
    ("POST", "/api/crew/execute", {"message": "tea", "crew": "unimportable"}, 409, False),
    ("POST", "/api/crew/execute", {"message": "x" * 200_000}, 413, False),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "listed"), REFUSALS)
async def test_refusals_have_a_detail(
    stack: Stack, method: str, path: str, body: Any, status: int, listed: bool
) -> None:
    answer = await call(stack, method, path, body)
    assert (answer.status, list(answer.json)) == (status, ["detail"])
    assert isinstance(answer.json["detail"], list if listed else str)


async def test_what_is_not_there_has_a_detail_too(stack: Stack) -> None:
    for path, status, said in (("nothing", 404, "Not Found"), ("execute", 405, "Method Not Allowed")):
        answer = await call(stack, "GET", f"/api/crew/{path}")
        assert (answer.status, answer.json["detail"]) == (status, said)
    assert answer.headers["allow"] == "POST"


async def test_answers_that_are_refused_leave_the_checkpoint_open(stack: Stack, topic: str) -> None:
    execution = await execute(stack, topic, "release")
    ident = (await asked(stack, execution))["checkpoint_id"]
    for action, words, named in (
        ("approve", None, ident), ("", None, ident), ("revise", None, ident), ("revise", "  ", "release"),
        ("revise", "before a task there is nothing to revise", ident),
    ):  # fmt: skip
        assert (await feedback(stack, execution, named, action, words)).status == 400
    assert (await feedback(stack, execution, "agree", "continue")).status == 404
    body = {"execution_id": execution, "checkpoint_id": ident, "action": "continue", "version": 7}
    assert (await call(stack, "POST", "/api/crew/feedback", body)).status == 409
    assert (await asked(stack, execution))["checkpoint_id"] == ident
    assert (await call(stack, "DELETE", f"/api/crew/execution/{execution}")).status == 200


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


@pytest.fixture(scope="module")
def content(tales: Storyteller) -> Iterator[Stack]:
    """An installation whose default crew is not the first one, and which a page of another origin uses."""
    settings = {
        **demo.SETTINGS, "QUARTERDECK_CREWS": f"{CREWS},{demo.SETTINGS['QUARTERDECK_CREWS']}",
        "QUARTERDECK_DEFAULT_CREW": "content", "QUARTERDECK_ORIGINS": PAGE,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        stack = Stack(Path(folder), tales.server.url, webs=2, settings=settings)
        try:
            anyio.run(stack.mend)
            yield stack
        finally:
            stack.stop()


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
