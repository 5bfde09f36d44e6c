"""The record of revisions that every draft carries, written and read back.

A revision sees only the last draft and the newest feedback, so each draft lists what was asked in all the
rounds before; replaying that list on the brief gives the same document however many rounds there were.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from server.demo.writer.language import LANGUAGES, Language

State = TypeVar("State")

_ENTRY = re.compile(r"^\d+\. “(.*)” → ", re.MULTILINE)


def feedback_in(draft: str) -> tuple[str, ...]:
    """Return what people asked for in the rounds that led to `draft`, oldest first."""
    for language in LANGUAGES.values():
        _, found, log = draft.rpartition(f"## {language.say('what_changed')}\n")
        if found:
            return tuple(_ENTRY.findall(log))
    return ()


@dataclass(frozen=True, slots=True)
class Revisions(Generic[State]):
    """Where all rounds of feedback led: the last state, each round's effect in words, and what no figure could follow.

    `notes` are the person's own words from rounds that changed nothing else; a document has to repeat them.
    """

    state: State
    feedback: tuple[str, ...]
    effects: tuple[str, ...]
    notes: tuple[str, ...]


def replay(
    start: State,
    feedback: Sequence[str],
    language: Language,
    step: Callable[[State, str], State],
    describe: Callable[[State, State, Language], str],
) -> Revisions[State]:
    """Apply feedback in order: `step` makes the next state, `describe` says what it changed ("" if nothing)."""
    state, effects, notes = start, [], []
    for asked in feedback:
        before, state = state, step(state, asked)
        effect = describe(before, state, language)
        if not effect:
            notes.append(asked)
        effects.append((effect or language.say("taken_in")) + ".")
    return Revisions(state, tuple(feedback), tuple(effects), tuple(notes))
