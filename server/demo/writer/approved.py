"""The approved plan as later tasks find it in their context, perhaps edited by a person."""

import re
from dataclasses import dataclass

from server.demo.writer.brief import HANDLE, title_of
from server.demo.writer.prompt import Prompt

_HEADLINE = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_WEEK_ROW = re.compile(r"^\|\s*(\d{1,2})\s*\|", re.MULTILINE)
_FIRST_CELL = re.compile(r"^\|\s*([^|]*?)\s*\|", re.MULTILINE)
_ROW = re.compile(r"^\s*(?:[-*]\s+|\|\s*)?([^|\n]+?)\s*\|\s*(\d{1,3})\s*%?\s*\|?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Approved:
    """What a plan says: its headline, its creators in order, and how many weeks its schedule has (0 if none)."""

    title: str
    handles: tuple[str, ...]
    weeks: int


def approved_plan(prompt: Prompt) -> Approved:
    """Read the plan at the start of the context; its headline falls back to the first line, then to the brief."""
    text = prompt.context[0] if prompt.context else ""
    return Approved(
        _title(text) or title_of(prompt.brief, prompt.language), _handles(text), len(_WEEK_ROW.findall(text))
    )


def valued_rows(text: str) -> list[tuple[str, int]]:
    """Return the lines of the form `name | value` in a text, bare or as table rows, with or without a percent sign."""
    return [(name.strip("* "), int(value)) for name, value in _ROW.findall(text)]


def _title(text: str) -> str:
    if headline := _HEADLINE.search(text):
        return headline[1]
    return next((line.strip(" *_>") for line in text.splitlines() if line.strip(" *_>-|")), "")


def _handles(text: str) -> tuple[str, ...]:
    """Return the handles that start a table row; if a person's edit left no such table, every handle in the text."""
    # The list of changes may name people who are no longer part of the plan: tables come first.
    in_tables = [cell for cell in _FIRST_CELL.findall(text) if HANDLE.match(cell)]
    return tuple(dict.fromkeys(in_tables or HANDLE.findall(text)))
