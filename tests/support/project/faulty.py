"""Crews with something wrong: one that cannot be built, and one whose task raises."""

from typing import Any

from crewai import Crew

from tests.support.project import story

REASON = "The almanac has no such day."


def unbuildable() -> Crew:
    raise LookupError("The key of the chest is missing.")


def failing() -> Crew:
    made = story.crew()
    made.tasks[1].callback = refuse
    return made


def refuse(output: Any) -> None:
    raise ValueError(REASON)
