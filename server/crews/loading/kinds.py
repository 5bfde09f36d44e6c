"""The keys of a crew's configuration, and what each may hold."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.crews.loading.faults import BadConfiguration
from server.crews.suggestion import listed, suggestion

#: How much of a wrong value is shown.
SHOWN = 60


@dataclass(frozen=True)
class Kind:
    """What a value must be; `words` says so after "must be"."""

    words: str
    fits: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def one_of(*words: str) -> Kind:
    """Make the kind of a value that is one of these."""
    return Kind(f"one of {listed(words)}", lambda value: isinstance(value, str) and value in words)


TEXT = Kind("a text", lambda value: isinstance(value, str))
NAME = Kind("a text that is not empty", lambda value: isinstance(value, str) and bool(value.strip()))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
COUNT = Kind(
    "a whole number from 1", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1
)
SECONDS = Kind("a number of seconds above 0", lambda value: _is_number(value) and value > 0)
ITEMS = Kind("a list", _is_list)
PATTERNS = Kind(
    "a list of tool names or patterns", lambda value: _is_list(value) and all(NAME.fits(item) for item in value)
)

CREW = {
    "title": TEXT, "description": TEXT, "checkpoints": ITEMS, "idempotent": PATTERNS, "approve": PATTERNS,
    "concurrency": COUNT, "timeout": SECONDS, "freeze_clock": FLAG,
}  # fmt: skip
#: What may stand in a file about one crew. In a module's constant, the target is known; webhooks must be known to
#: processes that import no crew, which read and check them for themselves.
NAMED = {**CREW, "target": NAME, "webhooks": ITEMS}
FILE = {**NAMED, "crews": Kind("a table of crews", lambda value: isinstance(value, Mapping))}
CHECKPOINT = {
    "name": NAME, "title": TEXT, "description": TEXT, "task": NAME, "place": one_of("before", "after"),
    "required": FLAG, "deadline": SECONDS, "on_deadline": one_of("stop", "skip", "approve"),
}  # fmt: skip


def checked(value: Any, kinds: Mapping[str, Kind], where: str) -> dict[str, Any]:
    """Check a table against the keys it may have, or raise `BadConfiguration`; `where` names it for people."""
    if not isinstance(value, Mapping):
        raise BadConfiguration(f"{where} must be a table of keys and values, not {_shown(value)}.")
    for key, item in value.items():
        known(key, kinds, f"{where}: there is no key")
        if not kinds[key].fits(item):
            raise BadConfiguration(f"{where}: {key!r} must be {kinds[key].words}, not {_shown(item)}.")
    return dict(value)


def known(word: Any, words: Collection[str], complaint: str) -> None:
    """Refuse an unknown word, with the one that was probably meant."""
    if word not in words:
        raise BadConfiguration(f"{complaint} {word!r}{suggestion(word, words)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
