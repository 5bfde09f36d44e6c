"""`decide`, `fork`, `cancel`, `pause`, `resume`: commands to an execution."""

import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from protocol.client import Client
from protocol.objects import Checkpoint, CheckpointState
from server.cli import MISUSED
from server.cli.remote import show
from server.cli.remote.session import REFUSED, connected, fail


def decide(url: str, json: bool, execution: str, name: str | None, action: str, given: Mapping[str, str | None]) -> int:
    """Answer an open checkpoint; 0."""
    with connected(url) as client:
        asked = _find(client, execution, name, only_open=True)
        changed = client.decide(asked, action, **answer(asked, action, given))
    if json:
        show.as_json(changed)
    else:
        show.err.print(f"{asked.name}: {action}. The run is {changed.state}.", markup=False)
    return 0


def fork(url: str, json: bool, execution: str, name: str, action: str, given: Mapping[str, str | None]) -> int:
    """Answer a checkpoint otherwise, in a new execution; 0."""
    with connected(url) as client:
        asked = _find(client, execution, name, only_open=False)
        started = client.fork(asked, action, **answer(asked, action, given))
    if json:
        show.as_json(started)
    else:
        print(started.execution)
    return 0


def steer(url: str, json: bool, verb: str, execution: str, reason: str | None) -> int:
    """Cancel, pause or resume; 0."""
    with connected(url) as client:
        changed = {"cancel": client.cancel, "pause": client.pause, "resume": client.resume}[verb](execution, reason)
    if json:
        show.as_json(changed)
    else:
        show.err.print(f"The run is {changed.state}.", markup=False)
    return 0


def answer(asked: Checkpoint, action: str, given: Mapping[str, str | None]) -> dict[str, Any]:
    """Make the fields of a decision of what was typed. JSON is read where the checkpoint asks for data."""
    fields: dict[str, Any] = {name: text for name, text in given.items() if text is not None}
    if fields.get("output") == "-":
        fields["output"] = sys.stdin.read()
    if "arguments" in fields:
        fields["arguments"] = _data("arguments", fields["arguments"])
    if "response" in fields and asked.schema is not None:
        fields["response"] = _data("response", fields["response"])
    return fields


def _data(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        fail(f"--{name} must be JSON: {error}", MISUSED)


def _find(client: Client, execution: str, name: str | None, *, only_open: bool) -> Checkpoint:
    """Find the checkpoint that is meant, by its id or its name; without either, the one that is open."""
    found = [
        one
        for one in client.get(execution).checkpoints
        if name in (None, one.id, one.name) and (one.state is CheckpointState.OPEN or not only_open)
    ]
    if not found:
        fail(f"{execution} has no{' open' if only_open else ''} checkpoint{f' {name}' if name else ''}.", REFUSED)
    if len(found) > 1 and name is None:
        fail(f"Several are open: {', '.join(one.name for one in found)}. Choose one with --checkpoint.", MISUSED)
    return found[-1]
