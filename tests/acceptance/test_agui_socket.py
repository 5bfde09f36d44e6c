"""AG-UI over the socket, by the npm package's agent: it says what the server's own door says, over every lost line."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
from ag_ui.core import Event as AgUiEvent
from ag_ui_validate.pytest_plugin import assert_valid_agui
from pydantic import TypeAdapter

from tests.support.npm import node
from tests.support.processes import ROOT
from tests.support.stack import Stack
from tests.support.story import Storyteller, told

CHECK: TypeAdapter[Any] = TypeAdapter(AgUiEvent)
Events = list[dict[str, Any]]


def plain(events: Events) -> Events:
    """Leave out what differs from run to run: its id, and how the text was cut into pieces."""
    kept: Events = []
    for event in events:
        event = {name: value for name, value in event.items() if name != "runId"}
        if event["type"] == "TEXT_MESSAGE_CONTENT" and kept and kept[-1]["type"] == event["type"]:
            kept[-1] = {**kept[-1], "delta": kept[-1]["delta"] + event["delta"]}
        else:
            kept.append(event)
    return kept


def check(events: Events) -> None:
    """See that a run is as AG-UI wants it."""
    assert_valid_agui("\n".join(map(json.dumps, events)), max_warnings=0)
    for event in events:
        CHECK.validate_python(event)


def listening(port: int, topic: str) -> "subprocess.Popen[str]":
    """Start a thread over the socket, and those who listen to it."""
    script = str(ROOT / "tests/support/agui-socket.mjs")
    command = [*node(), "--experimental-websocket", "--no-warnings", script, f"http://127.0.0.1:{port}", topic]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def heard(process: "subprocess.Popen[str]", *releases: Callable[[], None]) -> Any:
    """Let go on what is held, each time all have attached; give what they were told in the end."""
    assert process.stdout is not None
    try:
        with anyio.fail_after(60):
            for release in releases:
                line = await anyio.to_thread.run_sync(process.stdout.readline, abandon_on_cancel=True)
                assert line == "attached\n", line or process.communicate()[1]
                release()
            out, err = await anyio.to_thread.run_sync(process.communicate, abandon_on_cancel=True)
    finally:
        for release in releases:
            release()
        process.kill()
        process.wait()
    assert err == ""
    return json.loads(out)


async def test_it_is_told_what_the_servers_own_door_tells(stack: Stack, topic: str, tales: Storyteller) -> None:
    """Three listen to one execution, and one of them loses its line while it answers; all are told the same."""
    releases = [tales.hold(task, topic) for task in ("draft", "polish")]
    saw = await heard(listening(stack.port, topic), *releases)
    for by_socket, by_door in (saw["draft"], saw["rest"]):
        check(by_socket)
        check(by_door)
        assert plain(by_socket) == plain(by_door)
    check(saw["mine"])
    assert saw["draft"][0][-1]["outcome"]["interrupts"] == [saw["question"]]
    assert "pending interrupt" in saw["refused"]
    assert saw["result"]["output"] == told("publish", topic)
    assert saw["laid"] == 3, "one line for each run, and one more after the cut"
    mine = plain(saw["mine"])
    assert [event for event in mine if event["type"] == "TEXT_MESSAGE_CONTENT"][-1]["delta"] == told("publish", topic)
    assert mine[-1]["result"] == plain(saw["rest"][1])[-1]["result"]
    assert [tales.calls(task, topic) for task in ("draft", "polish", "publish")] == [1, 1, 1]
