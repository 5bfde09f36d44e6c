"""`run` and `watch`: follow an execution to its end, and answer what it asks."""

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.markup import escape

from protocol.client import Client, CommandError
from protocol.events import (
    CheckpointOpened,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStopped,
)
from protocol.frames import Delta, Snapshot
from protocol.objects import Checkpoint, CheckpointState
from server.cli import FAILED, MISUSED
from server.cli.remote import asking, show
from server.cli.remote.session import ENDED_BY_PEOPLE, connected, fail


def run(
    url: str, json: bool, crew: str, inputs: Sequence[str], checkpoints: Sequence[str], *, title: str | None, ask: bool
) -> int:
    """Start a crew and follow it; give how it ended."""
    with connected(url) as client:
        started = client.start(crew, pairs(inputs), checkpoints=checkpoints, title=title)
        if not json:
            show.err.print(f"[dim]{started.execution}[/]")
        return _follow(client, started.execution, json=json, ask=ask and not json and sys.stdin.isatty())


def watch(url: str, json: bool, execution: str, *, ask: bool) -> int:
    """Follow an execution; give how it ended."""
    with connected(url) as client:
        return _follow(client, execution, json=json, ask=ask and not json and sys.stdin.isatty())


def pairs(inputs: Sequence[str]) -> dict[str, Any]:
    """Read `name=value`; a value that begins with `@` is a file's text, one that is a JSON object or array is data."""
    found: dict[str, Any] = {}
    for text in inputs:
        name, equals, value = text.partition("=")
        if not equals or not name:
            fail(f"{text!r} is not of the form name=value.", MISUSED)
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    if text.startswith("@"):
        try:
            with open(text[1:], encoding="utf-8") as file:
                return file.read()
        except OSError as error:
            fail(f"{text[1:]}: {error.strerror or error}", MISUSED)
    if text[:1] in "{[":
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


def _follow(client: Client, execution: str, *, json: bool, ask: bool) -> int:
    with client.watch(execution) as frames:
        for frame in frames:
            if json and not isinstance(frame, Delta):
                show.as_json(frame)
            if isinstance(frame, Snapshot):
                for waiting in frame.checkpoints:
                    _asked(client, waiting, json=json, ask=ask)
            if not isinstance(frame, Event):
                continue
            if not json:
                show.event(frame)
            if isinstance(frame.data, CheckpointOpened):
                _asked(client, frame.data.checkpoint, json=json, ask=ask)
            if (code := _ended(frame, json=json)) is not None:
                return code
    return FAILED


def _asked(client: Client, asked: Checkpoint, *, json: bool, ask: bool) -> None:
    if json or not _still(client, asked):  # it is history: somebody has answered it
        return
    if not ask:
        show.err.print(f"[dark_orange]waits for a person[/]: {escape(asked.title)}")
        show.err.print(
            f"  quarterdeck decide {asked.execution} approve --checkpoint {asked.name}", markup=False, soft_wrap=True
        )
        return
    while (chosen := _chosen(asked)) is not None:
        action, fields = chosen
        try:
            client.decide(asked, action, **fields)
            return
        except CommandError as refused:
            show.err.print(f"[red]{escape(str(refused))}[/]")
            if not _still(client, asked):
                return


def _chosen(asked: Checkpoint) -> tuple[str, dict[str, Any]] | None:
    try:
        return asking.ask(asked)
    except EOFError:  # nobody types any more: the run goes on waiting
        return None


def _still(client: Client, asked: Checkpoint) -> bool:
    now = {one.id: one for one in client.get(asked.execution).checkpoints}.get(asked.id)
    return now is not None and now.state is CheckpointState.OPEN and now.version == asked.version


def _ended(event: Event, *, json: bool) -> int | None:
    match event.data:
        case ExecutionCompleted(output=output):
            if not json:
                print(output)
            return 0
        case ExecutionFailed():
            return FAILED
        case ExecutionStopped() | ExecutionCancelled():
            return ENDED_BY_PEOPLE
    return None
