"""What an examination finds."""

from enum import StrEnum

from msgspec import Struct


class Grade(StrEnum):
    """How it is."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


class Finding(Struct, frozen=True):
    """One thing that was looked at, and what to do about it."""

    grade: Grade
    what: str
    advice: str = ""


def good(what: str) -> Finding:
    """Find nothing wrong."""
    return Finding(Grade.GOOD, what)


def doubtful(what: str, advice: str) -> Finding:
    """Find what works, but not as well as it should."""
    return Finding(Grade.DOUBTFUL, what, advice)


def bad(what: str, advice: str) -> Finding:
    """Find what does not work."""
    return Finding(Grade.BAD, what, advice)
