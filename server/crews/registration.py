"""What a crew's module says about the crew to people: its constant `QUARTERDECK`.

For example `{"title": "Content plan", "checkpoints": [{"name": "agree", "task": "planning", "place": "after"}]}`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from protocol.objects import CrewCheckpoint
from server.runnable import Limits

CREW_KEYS = {"title": str, "description": str, "checkpoints": list}
CHECKPOINT_KEYS = {"name": str, "title": str, "description": str, "task": str, "place": str, "required": bool}
#: Every task has these two places without a registration; a registered name may not look like one.
PLACES = ("before", "after")


class BadRegistration(ValueError):
    """Raised when a registration cannot be understood; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A crew as its author presents it. A title or description that was not given is empty."""

    title: str = ""
    description: str = ""
    checkpoints: tuple[CrewCheckpoint, ...] = ()
    idempotent: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    concurrency: int | None = None
    timeout: float | None = None
    freeze_clock: bool = True

    def limits(self) -> Limits:
        """Give the bounds that the engine holds the crew to."""
        return Limits(concurrency=self.concurrency, seconds=self.timeout)

    def is_idempotent(self, tool: str) -> bool:
        """Tell whether a tool may run twice without harm."""
        return any(fnmatchcase(tool, pattern) for pattern in self.idempotent)

    def needs_approval(self, tool: str) -> bool:
        """Tell whether a person must approve each call of a tool."""
        return any(fnmatchcase(tool, pattern) for pattern in self.approve)


def read_registration(constant: Any, tasks: Sequence[str]) -> Registration:
    """Read the constant against the crew's task names, or raise `BadRegistration`."""
    fields = _checked(constant, CREW_KEYS, "QUARTERDECK")
    items = fields.pop("checkpoints", [])
    checkpoints = tuple(_checkpoint(item, number, tasks) for number, item in enumerate(items, 1))
    names = [checkpoint.name for checkpoint in checkpoints]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadRegistration(f"QUARTERDECK: two checkpoints are called {twice[0]!r}.")
    return Registration(**fields, checkpoints=checkpoints)


def _checkpoint(item: Any, number: int, tasks: Sequence[str]) -> CrewCheckpoint:
    where = f"QUARTERDECK checkpoint {number}"
    fields = _checked(item, CHECKPOINT_KEYS, where)
    if lacking := [key for key in ("name", "task", "place") if not fields.get(key)]:
        raise BadRegistration(f"{where} lacks {_listed(lacking)}.")
    if fields["name"].startswith(tuple(f"{place}:" for place in PLACES)):
        raise BadRegistration(f"{where}: a name may not begin with 'before:' or 'after:'; every task has those places.")
    _known(fields["task"], tasks, f"{where}: there is no task")
    _known(fields["place"], PLACES, f"{where}: there is no place")
    return CrewCheckpoint(**{"title": fields["name"], **fields})


def _checked(value: Any, kinds: Mapping[str, type], where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadRegistration(f"{where} must be a dict, not {type(value).__name__}.")
    for key, item in value.items():
        _known(key, kinds, f"{where}: there is no key")
        if not isinstance(item, kinds[key]):
            raise BadRegistration(f"{where}: {key!r} must be {kinds[key].__name__}, not {type(item).__name__}.")
    return dict(value)


def _known(word: str, words: Collection[str], complaint: str) -> None:
    if word not in words:
        raise BadRegistration(f"{complaint} {word!r}{suggestion(word, words)}")


def suggestion(word: str, words: Iterable[str]) -> str:
    """End a complaint about an unknown word: with the one that was probably meant, or with all that there are."""
    known = [str(known) for known in words]
    close = get_close_matches(str(word), known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there is {_listed(known)}." if known else "."


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
