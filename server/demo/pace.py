"""How fast the offline demo model speaks."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

SPEED_VARIABLE: Final = "QUARTERDECK_DEMO_SPEED"
DEFAULT_SPEED: Final = 75.0
"""Words a second: faster than anybody reads, slow enough to see it being written."""

_WORDS_AT_ONCE: Final = 3
_WORD = re.compile(r"\s*\S+(?:[^\S\n]*\n+)?|\s+$")


def speed_from(environ: Mapping[str, str]) -> float:
    """Return the words a second that `QUARTERDECK_DEMO_SPEED` asks for; 0 means as fast as possible.

    Raises ValueError for anything but a number that is zero or more.
    """
    text = environ.get(SPEED_VARIABLE, "").strip()
    try:
        speed = float(text) if text else DEFAULT_SPEED
    except ValueError:
        speed = -1
    if not 0 <= speed < float("inf"):
        raise ValueError(f"{SPEED_VARIABLE} must be a number of words a second, 0 or more, and not {text!r}")
    return speed


def timed_pieces(text: str, words_per_second: float) -> Iterator[tuple[float, str]]:
    """Cut a text into pieces of a few words, each with the second after the start at which it is due.

    The pieces joined are the text.
    """
    words = _WORD.findall(text)
    for start in range(0, len(words), _WORDS_AT_ONCE):
        piece = words[start : start + _WORDS_AT_ONCE]
        due = (start + len(piece)) / words_per_second if words_per_second else 0.0
        yield due, "".join(piece)
