"""The frame that all documents of the demo model share."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from server.demo.writer.language import Language
from server.demo.writer.revision import Revisions


def document(title: str, body: Iterable[str], revisions: Revisions[Any], language: Language) -> str:
    """Put a document together: headline, what the newest round changed, body, the list of changes, who wrote it."""
    lines = [f"# {title}", ""]
    if language.asked:
        lines += [language.say("english_instead", asked=language.asked), ""]
    if revisions.effects:
        lines += [language.say("revised", effect=revisions.effects[-1]), ""]
    lines += body
    lines += _what_changed(revisions, language)
    return "\n".join([*lines, language.say("written_offline")])


def section(title: str, lines: Iterable[str]) -> list[str]:
    """Return a section: a second-level headline, its lines, and the empty line after it."""
    return [f"## {title}", "", *lines, ""]


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a markdown table."""
    return [_row(header), _row(["---"] * len(header)), *(_row(row) for row in rows)]


def bullets(entries: Iterable[str]) -> list[str]:
    """Return a markdown list."""
    return [f"- {entry}" for entry in entries]


def seed_of(text: str) -> int:
    """Return a number that is the same for the same text, in every process."""
    return zlib.crc32(text.encode())


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _what_changed(revisions: Revisions[Any], language: Language) -> list[str]:
    pairs = zip(revisions.feedback, revisions.effects, strict=True)
    entries = [f"{n}. “{asked}” → {effect}" for n, (asked, effect) in enumerate(pairs, 1)]
    return section(language.say("what_changed"), entries) if entries else []
