"""Whatever a client sends, it is told what was wrong, in the code made for it, and nothing else breaks."""

from typing import Any

import anyio.to_thread
import pytest

from protocol.frames import MAX_FRAME
from tests.support.client import Client, Frame, answer_to
from tests.support.http import ask
from tests.support.raw import BINARY, CLOSE, TEXT, masked, raw_client
from tests.support.stack import Stack

UNREADABLE = {
    "no JSON": ("tea, please", "bad_json"),
    "half an object": ('{"type":"ping"', "bad_json"),
    "two objects": ('{"type":"ping"}{"type":"ping"}', "bad_json"),
    "half a character": ('{"type":"ping","id":"\\ud800"}', "bad_json"),
    "endless nesting": ("[" * 60_000, "bad_json"),
    "endless number": ('{"type":"start","crew":"story","inputs":{"topic":1e999}}', "bad_json"),
    "nothing": ("", "bad_json"),
    "a list": ("[]", "bad_frame"),
    "a text": ('"ping"', "bad_frame"),
    "null": ("null", "bad_frame"),
    "no type": ("{}", "bad_frame"),
    "a type of the wrong type": ('{"type":7}', "bad_frame"),
    "an unknown type": ('{"type":"sail"}', "bad_frame"),
    "a type of the server's": ('{"type":"welcome"}', "bad_frame"),
}

BAD_FRAMES: dict[str, tuple[Frame, str, str]] = {
    "unknown type": ({"type": "sail"}, "bad_frame", "sail"),
    "unknown field": ({"type": "ping", "loud": True}, "bad_field", "loud"),
    "field missing": ({"type": "start"}, "bad_field", "crew"),
    "text for an object": ({"type": "start", "crew": "story", "inputs": "tea"}, "bad_field", "inputs"),
    "number for a text": ({"type": "start", "crew": 7}, "bad_field", "crew"),
    "empty name": ({"type": "start", "crew": ""}, "bad_field", "crew"),
    "limit too high": ({"type": "list", "what": "executions", "limit": 1000}, "bad_field", "limit"),
    "unknown list": ({"type": "list", "what": "ships"}, "bad_field", "ships"),
    "bad cursor": ({"type": "list", "what": "executions", "cursor": "tea"}, "bad_field", "cursor"),
    "unknown position": ({"type": "watch", "execution": "x_1", "after": "noon"}, "bad_field", "after"),
    "half a position": ({"type": "watch", "execution": "x_1", "after": {"offset": 1}}, "bad_field", "epoch"),
    "watch of nothing": ({"type": "watch"}, "bad_field", "execution"),
    "watch of both": ({"type": "watch", "execution": "x_1", "inbox": True}, "bad_field", "execution"),
    "unknown crew": ({"type": "start", "crew": "pirates"}, "unknown_crew", "story"),
    "crew that does not import": ({"type": "start", "crew": "unimportable"}, "crew_broken", "unimportable"),
    "crew that is not built": ({"type": "start", "crew": "unbuildable"}, "crew_broken", "unbuildable"),
    "inputs missing": ({"type": "start", "crew": "story"}, "missing_inputs", "topic"),
    "input empty": ({"type": "start", "crew": "story", "inputs": {"topic": ""}}, "missing_inputs", "topic"),
    "unknown checkpoint": (
        {"type": "start", "crew": "story", "inputs": {"topic": "t"}, "checkpoints": ["lunch"]},
        "unknown_checkpoint", "lunch",
    ),
    "get of nothing": ({"type": "get", "execution": "x_none"}, "not_found", "x_none"),
    "watch of a stranger": ({"type": "watch", "execution": "x_none"}, "not_found", ""),
    "cancel of nothing": ({"type": "cancel", "execution": "x_none"}, "not_found", "x_none"),
    "decide on nothing": (
        {"type": "decide", "execution": "x_none", "checkpoint": "cp_none", "action": "approve"}, "not_found", "x_none"
    ),
    "an odd id": ({"type": "get", "execution": "x}:state\r\n{*"}, "not_found", ""),
    "authentication where there is none": ({"type": "auth", "token": "t"}, "forbidden", ""),
}  # fmt: skip


async def still_there(client: Client) -> None:
    assert "server_time" in await client.command("ping")


@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_cannot_be_read_is_answered_and_the_connection_stays(client: Client, name: str) -> None:
    text, code = UNREADABLE[name]
    await client.socket.send(text)
    error = await client.receive()
    assert (error["type"], error["code"], error["retry"]) == ("error", code, False)
    assert "Traceback" not in error["message"]
    await still_there(client)


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_a_bad_command_has_its_own_code_and_the_connection_stays(client: Client, name: str) -> None:
    frame, code, named = BAD_FRAMES[name]
    error = await client.answer({**frame, "id": "mine"})
    assert (error["type"], error["re"], error["code"]) == ("error", "mine", code)
    assert named in error["message"]
    await still_there(client)


async def test_missing_inputs_and_unknown_checkpoints_are_named(client: Client) -> None:
    error = await client.refused("start", crew="story", inputs={"theme": "tea"})
    assert error["detail"] == {"inputs": ["topic"]}
    error = await client.refused("start", crew="story", inputs={"topic": "t"}, checkpoints=["lunch"])
    assert {"agree", "release", "before:draft", "after:publish"} <= set(error["detail"]["checkpoints"])


async def test_a_refused_start_makes_nothing(client: Client) -> None:
    before = await client.command("list", what="executions", limit=1)
    await client.refused("start", crew="story", inputs={})
    assert await client.command("list", what="executions", limit=1) == before


BAD_DECISIONS: dict[str, tuple[Frame, str, Any]] = {
    "an action that is not offered": ({"action": "respond"}, "not_offered", "actions"),
    "an old version": ({"action": "approve", "version": 1}, "stale_version", "version"),
    "a version to come": ({"action": "approve", "version": 3}, "stale_version", "version"),
    "another digest": ({"action": "approve", "digest": "sha256:0"}, "stale_digest", None),
    "edit without output": ({"action": "edit"}, "invalid_output", "fields"),
    "edit with a blank output": ({"action": "edit", "output": " \n"}, "invalid_output", "fields"),
    "output without edit": ({"action": "approve", "output": "tea"}, "bad_field", None),
    "revise without feedback": ({"action": "revise"}, "needs_feedback", None),
    "revise with blank feedback": ({"action": "revise", "feedback": "  "}, "needs_feedback", None),
    "an unknown checkpoint": ({"action": "approve", "checkpoint": "cp_none"}, "not_found", None),
    "no action": ({"action": ""}, "bad_field", None),
    "a version that is a text": ({"action": "approve", "version": "2"}, "bad_field", None),
}


async def test_a_bad_decision_decides_nothing(client: Client, topic: str) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    execution = start["execution"]
    await client.decide(await client.question(execution, "agree"), "revise", feedback="more tea")
    draft = await client.question(execution, "agree", version=2)
    for name, (fields, code, detail) in BAD_DECISIONS.items():
        error = await client.refused("decide", **{**answer_to(draft, "approve"), **fields})
        assert error["code"] == code, name
        assert detail is None or detail in error["detail"], name
    (read,) = (await client.command("get", execution=execution))["checkpoints"]
    assert read == draft
    await client.decide(draft, "approve")
    late = await client.refused("decide", **answer_to(draft, "stop"))
    assert (late["code"], late["detail"]["action"], late["detail"]["version"]) == ("already_decided", "approve", 2)
    await client.end(execution)


async def test_an_ended_execution_can_neither_be_cancelled_nor_decided(client: Client, topic: str) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    draft = await client.question(start["execution"], "agree")
    await client.decide(draft, "approve")
    await client.end(start["execution"])
    late = await client.refused("cancel", execution=start["execution"])
    assert (late["code"], late["detail"]) == ("ended", {"state": "completed"})
    late = await client.refused("decide", **answer_to(draft, "approve"))
    assert late["code"] == "already_decided"


async def test_numbers_of_any_size_come_through(client: Client, topic: str) -> None:
    inputs = {"topic": topic, "size": 10**40, "share": 1e-300}
    start = await client.command("start", crew="story", inputs=inputs)
    queued = await client.find("execution.queued", start["execution"])
    assert queued["data"]["inputs"] == inputs
    await client.end(start["execution"])
    read = await client.command("get", execution=start["execution"])
    assert read["execution"]["inputs"] == inputs


@pytest.mark.parametrize(
    ("payload", "opcode", "code"),
    [(b'{"type":"ping","id":"' + b"a" * MAX_FRAME + b'"}', TEXT, 1009), (b"\x81\xa4type", BINARY, 1003),
     (b'{"type":"ping","id":"\xff"}', TEXT, 1007)],
    ids=["too large", "binary", "not UTF-8"],
)  # fmt: skip
async def test_what_the_rfc_forbids_ends_the_connection(stack: Stack, payload: bytes, opcode: int, code: int) -> None:
    async with raw_client(stack.port) as client:
        await client.until(TEXT)  # the welcome
        await client.send(masked(payload, opcode))
        assert (await client.until(CLOSE)).close_code == code


async def test_the_largest_message_is_taken(client: Client) -> None:
    frame = '{"type":"ping","id":"%s"}'
    ident = "a" * (MAX_FRAME - len(frame) + 2)
    await client.socket.send(frame % ident)
    assert (await client.receive())["re"] == ident


FOREIGN = {"page": {"Origin": "http://evil.example"}, "name": {"Host": "evil.example"}}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
async def test_a_foreign_page_may_neither_connect_nor_post(stack: Stack, headers: dict[str, str]) -> None:
    async with raw_client(stack.port, small=False, **headers) as client:
        assert client.status == 403
    body = {"crew": "story", "inputs": {"topic": "t"}}
    answer = await anyio.to_thread.run_sync(ask, stack.port, "POST", "/api/v1/executions", body, headers)
    assert answer.status == 403


async def test_our_own_page_may_connect(stack: Stack) -> None:
    for name in ("127.0.0.1", "localhost"):
        headers = {"Host": f"{name}:{stack.port}", "Origin": f"http://{name}:{stack.port}"}
        async with raw_client(stack.port, small=False, **headers) as client:
            assert client.status == 101


async def test_a_task_that_raises_fails_the_execution_with_its_name(stack: Stack, client: Client, topic: str) -> None:
    start = await client.command("start", crew="failing", inputs={"topic": topic})
    end = await client.end(start["execution"])
    assert end["type"] == "execution.failed"
    assert end["data"] == {
        "task": "polish",
        "error": {"code": "task_failed", "message": "The almanac has no such day."},
    }
    failed = await client.find("task.failed", start["execution"])
    assert (failed["data"]["task"], failed["data"]["message"]) == ("polish", "The almanac has no such day.")
    assert not any("Traceback" in str(raw) for raw in client.raw)
    (line,) = [
        line for line in stack.workers[0].lines()
        if line.get("execution") == start["execution"] and "exception" in line
    ]  # fmt: skip
    assert "in refuse" in line["exception"]
    assert line["task"] == "polish"


async def test_broken_crews_are_listed_with_the_reason(client: Client) -> None:
    crews = {crew["name"]: crew for crew in (await client.command("list", what="crews"))["items"]}
    assert list(crews) == ["story", "failing", "unbuildable", "unimportable"]
    assert "The charts are not aboard." in crews["unimportable"]["broken"]
    assert "The key of the chest is missing." in crews["unbuildable"]["broken"]
    assert "broken" not in crews["story"]
    error = await client.refused("start", crew="unimportable", inputs={"topic": "t"})
    assert (error["code"], error["detail"]["reason"]) == ("crew_broken", crews["unimportable"]["broken"])
