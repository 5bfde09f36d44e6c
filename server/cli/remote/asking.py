"""Asking a person in the terminal what a checkpoint asks."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal

import msgspec

from protocol.objects import Action, Checkpoint
from server.cli.remote import show

#: What an action needs beside its name.
Need = Literal["nothing", "feedback", "output", "arguments", "text", "form"]


def need(action: Action, asked: Checkpoint) -> Need:
    """Tell what must be asked for an action. Pure."""
    if action.needs_feedback:
        return "feedback"
    if action.id == "edit":
        return "arguments" if asked.kind == "tool" else "output"
    if action.id == "respond":
        return "form" if asked.schema is not None else "text"
    return "nothing"


def ask(asked: Checkpoint) -> tuple[str, dict[str, Any]] | None:
    """Show a checkpoint, and have a person choose; give the action and its fields, or nothing for "not now"."""
    show.checkpoint(asked)
    while True:
        action = _choose(asked)
        if action is None:
            return None
        if action.confirm and not _yes(f"{action.label}?"):
            continue
        fields = _fields(action, asked)
        if fields is not None:
            return action.id, fields


def _choose(asked: Checkpoint) -> Action | None:
    for number, action in enumerate(asked.actions, 1):
        show.err.print(f"  {number}  {action.label}", markup=False)
    show.err.print("  0  Not now", markup=False)
    numbers = {str(number): number for number in range(len(asked.actions) + 1)}
    while (typed := _line("Your answer")) not in numbers:
        show.err.print(f"A number from 0 to {len(asked.actions)}, please.")
    return asked.actions[numbers[typed] - 1] if numbers[typed] else None


def _line(question: str) -> str:
    """Read a line that says something; the question goes to standard error. Raises `EOFError` when nobody types."""
    while not (typed := show.err.input(f"{question}: ").strip()):
        pass
    return typed


def _yes(question: str) -> bool:
    return _line(f"{question} (yes or no)").lower() in ("y", "yes", "ya")


def _fields(action: Action, asked: Checkpoint) -> dict[str, Any] | None:
    """Ask for what the action needs; nothing when the person thinks better of it."""
    match need(action, asked):
        case "feedback":
            return {"feedback": _line("What should be otherwise")}
        case "text":
            return {"response": _line("Your words")}
        case "output":
            edited = edit(asked.draft.text, ".json" if asked.draft.content_type == "application/json" else ".md")
            return None if edited is None else {"output": edited}
        case "arguments":
            data = edit_data(asked.tool.arguments if asked.tool else {})
            return None if data is None else {"arguments": data}
        case "form":
            data = edit_data(skeleton(asked.schema or {}))
            return None if data is None else {"response": data}
    return {}


def skeleton(schema: dict[str, Any]) -> Any:
    """Make data of a JSON Schema's shape, to be filled in. Pure."""
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        return {name: skeleton(field) for name, field in schema.get("properties", {}).items()}
    made: dict[Any, Any] = {"array": [], "boolean": False, "integer": 0, "number": 0, "null": None}
    return made.get(schema.get("type"), "")


def edit_data(data: Any) -> Any:
    """Edit data as JSON, until it is JSON; nothing when it was left as it was."""
    text = before = msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n"
    while True:
        edited = edit(text, ".json")
        if edited is None and text == before:
            return None
        try:
            return msgspec.json.decode(edited or text)
        except msgspec.DecodeError as error:
            text = edited or text
            show.err.print(f"That is not JSON: {error}", markup=False)
            if not _yes("Edit it again?"):
                return None


def edit(text: str, suffix: str) -> str | None:
    """Edit a text in `$VISUAL`, `$EDITOR` or vi; nothing when it was left as it was, or the editor failed."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
        file = Path(folder, f"draft{suffix}")
        file.write_text(text, encoding="utf-8")
        try:
            ended = subprocess.run([*shlex.split(editor), str(file)], check=False)
        except OSError as error:
            show.err.print(f"{editor}: {error}. Set EDITOR to an editor of yours.", markup=False)
            return None
        edited = file.read_text(encoding="utf-8")
    return edited if ended.returncode == 0 and edited != text else None
