"""Rows of measurements as Markdown tables."""

from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """One line: what was measured, of whom, and the figures by their names."""

    what: str
    whom: str
    figures: dict[str, str]


def markdown(rows: Iterable[Row]) -> str:
    """Write rows that have the same figures as one table."""
    lines: list[str] = []
    columns: list[str] = []
    for row in rows:
        if list(row.figures) != columns:
            columns = list(row.figures)
            lines += ["", f"| what | whom | {' | '.join(columns)} |", f"|---|---|{'--:|' * len(columns)}"]
        lines.append(f"| {row.what} | {row.whom} | {' | '.join(row.figures.values())} |")
    return "\n".join(lines[1:])
