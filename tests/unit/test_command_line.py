"""What the command line asks, makes of what was typed, and tells; pure parts, no server."""

from typing import Any

import msgspec
import pytest
import typer

from protocol.events import ENVELOPES
from protocol.objects import Action, Checkpoint, Cost, Usage
from server.cli import main
from server.cli.remote.asking import need, skeleton
from server.cli.remote.following import pairs
from server.cli.remote.show import cost_of, told
from tests.golden import examples, objects


def checkpoint(**more: Any) -> Checkpoint:
    return msgspec.structs.replace(objects.OPEN, **more)


@pytest.mark.parametrize(
    ("action", "more", "needed"),
    [
        ("approve", {}, "nothing"),
        ("edit", {"kind": "task.after"}, "output"),
        ("edit", {"kind": "tool"}, "arguments"),
        ("edit", {"kind": "recovery"}, "output"),
        ("respond", {"kind": "ask", "schema": None}, "text"),
        ("respond", {"kind": "ask", "schema": {"type": "object"}}, "form"),
        ("outcome:approved", {"kind": "flow"}, "nothing"),
    ],
)
def test_what_an_action_needs(action: str, more: dict[str, Any], needed: str) -> None:
    assert need(Action(id=action, label="x"), checkpoint(**more)) == needed
    assert need(Action(id=action, label="x", needs_feedback=True), checkpoint(**more)) == "feedback"


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"type": "string"}, ""),
        ({"type": "integer"}, 0),
        ({"enum": ["slow", "fast"]}, "slow"),
        ({"type": "string", "default": "x"}, "x"),
        ({"properties": {"a": {"type": "array"}, "b": {"type": "boolean"}}}, {"a": [], "b": False}),
        ({}, ""),
    ],
)
def test_a_form_is_filled_in_from_the_shape_of_its_data(schema: dict[str, Any], data: Any) -> None:
    assert skeleton(schema) == data


def test_inputs_are_read(tmp_path: Any) -> None:
    (tmp_path / "brief.md").write_text("A brief.")
    typed = ["topic=tea=milk", f"brief=@{tmp_path}/brief.md", 'list=["a", 1]', "odd=[draft]", "empty="]
    assert pairs(typed) == {"topic": "tea=milk", "brief": "A brief.", "list": ["a", 1], "odd": "[draft]", "empty": ""}
    for wrong in ("topic", "=tea", "brief=@/nowhere"):
        with pytest.raises(typer.Exit):
            pairs([wrong])


def test_every_event_can_be_told() -> None:
    for frame in msgspec.json.decode(examples.FILE.read_bytes())["events"]:
        event = msgspec.convert(frame, ENVELOPES[frame["type"]])
        assert isinstance(told(event), str)


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (msgspec.UNSET, []),
        (Cost(amount="0.0041", currency="USD"), ["0.0041 USD"]),
        (Cost(amount="57", currency="IDR", unpriced=2), ["at least 57 IDR"]),
    ],
)
def test_a_cost_is_told_to_the_last_digit_where_it_is_known(cost: Any, words: list[str]) -> None:
    assert cost_of(Usage(calls=3, cost=cost)) == words


def test_words_of_a_crew_are_no_markup() -> None:
    frame = next(
        one for one in msgspec.json.decode(examples.FILE.read_bytes())["events"] if one["type"] == "tool.completed"
    )
    frame["data"]["result"] = "[bold]not ours[/bold] [link=x]"
    assert r"\[bold]not ours" in told(msgspec.convert(frame, ENVELOPES["tool.completed"]))  # type: ignore[index] # a StrEnum


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    commands = "serve web worker crews list inbox run watch decide fork cancel pause resume export doctor"
    assert all(f" {command} " in shown for command in commands.split())
    assert "Exit codes" in shown
