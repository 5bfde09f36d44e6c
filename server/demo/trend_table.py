"""The trend table that ships with the demo crew: made-up, small, and always the same."""

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the table: its name, the words that point to it, and its trends with their strength (0 to 100)."""

    name: str
    keywords: frozenset[str]
    trends: tuple[tuple[str, int], ...]


def _load() -> tuple[Topic, ...]:
    rows = json.loads(files(__package__).joinpath("trend_table.json").read_text("utf-8"))
    return tuple(
        Topic(row["topic"], frozenset(row["keywords"]), tuple((name, value) for name, value in row["trends"]))
        for row in rows
    )


TOPICS: Final = _load()
_ANY: Final = TOPICS[-1]


def named_topic(text: str) -> Topic | None:
    """Return the topic that a text names or hints at, or None."""
    by_name = (topic for topic in TOPICS if topic.name in text.lower())
    words = set(re.findall(r"\w+", text.lower()))
    words |= {word.removesuffix("s") for word in words}
    best = max(TOPICS, key=lambda topic: len(topic.keywords & words))
    return next(by_name, best if best.keywords & words else None)


def topic_for(text: str) -> Topic:
    """Return the topic closest to a text: "everyday life" if it hints at no other."""
    return named_topic(text) or _ANY


def rows_of(topic: Topic) -> str:
    """Write the trends of a topic as lines of `name | value`, strongest first."""
    return "\n".join(f"{name} | {value}" for name, value in topic.trends)
