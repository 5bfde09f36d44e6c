"""Reading the prompt that CrewAI sends for a task of the demo crew."""

import re
from dataclasses import dataclass
from typing import Final

from server.demo.writer.language import Language, language_for
from server.demo.writer.revision import feedback_in

# What CrewAI 1.15 puts around a task: translations/en.json (task_with_context, task_no_tools, task) and, between
# the outputs of several tasks, utilities/formatter.py.
_CONTEXT: Final = "\n\nThis is the context you're working with:\n"
_TAILS: Final = ("\n\nProvide your complete response:", "\n\nBegin! This is VERY important to you")
_DIVIDER: Final = "\n\n----------\n\n"

# What a revision adds to the context, once for each round.
_DRAFT: Final = "Your previous answer:\n"
_FEEDBACK: Final = "\n\nA person asks you to revise it:\n"

_BRIEF = re.compile(r"<brief>\s*(.*)</brief>", re.DOTALL)
_LANGUAGE = re.compile(r"^Output language:[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one task of the demo crew has to answer.

    `context` holds the outputs of the tasks before, in order ("" for one that was skipped); `feedback` what people
    asked for in all rounds so far, oldest first; `found` what the lookup tool returned, or None if it was not asked.
    """

    brief: str
    language: Language
    context: tuple[str, ...] = ()
    feedback: tuple[str, ...] = ()
    found: str | None = None


def read(text: str, found: str | None = None) -> Prompt:
    """Read the text of a task as CrewAI sends it, with the context and the rounds of revision that it carries."""
    task, _, context = _without_tail(text).partition(_CONTEXT)
    # The brief is a person's text and may contain anything: its end and the language are the last of their kind.
    brief, languages = _BRIEF.search(task), _LANGUAGE.findall(task)
    before, *rounds = context.split(_DRAFT)
    return Prompt(
        brief=brief[1].strip() if brief else "",
        language=language_for(languages[-1] if languages else ""),
        context=tuple(part.strip() for part in before.split(_DIVIDER)) if before.strip() else (),
        feedback=_feedback(rounds),
        found=found,
    )


def _without_tail(text: str) -> str:
    for tail in _TAILS:
        text = text.rpartition(tail)[0] or text
    return text


def _feedback(rounds: list[str]) -> tuple[str, ...]:
    """Return the feedback of every round: the last draft lists the rounds before, so the last one is enough."""
    if not rounds:
        return ()
    draft, _, asked = rounds[-1].partition(_FEEDBACK)
    asked = " ".join(asked.split())
    return (*feedback_in(draft), *([asked] if asked else []))
