"""The end of a complaint about an unknown word: what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(word: str, words: Iterable[str]) -> str:
    """End a complaint about an unknown word: with the one that was probably meant, or with all that there are."""
    known = [str(known) for known in words]
    close = get_close_matches(str(word), known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there is {listed(known)}." if known else "."


def listed(words: Iterable[str]) -> str:
    """List words for a person."""
    return ", ".join(repr(word) for word in words)
