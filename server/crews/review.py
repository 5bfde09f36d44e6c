"""Rounds of one draft after another, until a person accepts one: what the gate after a task and `human_input` share."""

import json
from dataclasses import dataclass
from typing import Protocol

import msgspec

from protocol.objects import Draft
from server.crews.calls.ways import Way
from server.crews.parts import Part
from server.runnable import Answer, Question, Stopped


@dataclass(frozen=True)
class Misfit:
    """A person's text that does not fit what the task promises, and why: it is shown again, to be gone on from."""

    text: str
    complaint: str

    def shown(self, instead_of: Draft) -> Draft:
        """Give the draft of the next version."""
        try:
            value = json.loads(self.text)
        except ValueError:
            value = msgspec.UNSET
        return msgspec.structs.replace(instead_of, text=self.text, json=value)


class Subject(Protocol):
    """What is reviewed."""

    def question(self, version: int, misfit: Misfit | None) -> Question:
        """Ask about the draft as it stands; or about the person's own text, which cannot be approved as it is."""

    def replace(self, text: str) -> str | None:
        """Put a person's text in the place of the draft. Where it does not fit, say why instead."""

    async def revise(self, feedback: str, shown: Misfit | None) -> None:
        """Make the next draft."""


async def review(through: Way, mine: Part | None, subject: Subject) -> bool:
    """Ask until there is an end; tell whether a draft was accepted, or the work is skipped. Raises `Stopped`."""
    version, misfit = 0, None
    while True:
        version += 1
        answer = await asked(through, mine, subject.question(version, misfit))
        match answer.action:
            case "approve":
                return True
            case "skip":
                return False
            case "edit":
                text = answer.output or ""
                complaint = subject.replace(text)
                if complaint is None:
                    return True
                misfit = Misfit(text, complaint)
            case "revise":
                await subject.revise(answer.feedback or "", misfit)
                misfit = None
            case other:
                raise ValueError(f"The answer {other!r} is not one of those that were offered.")


async def asked(through: Way, mine: Part | None, question: Question) -> Answer:
    """Ask, while the clock of the work stands still. Raises `Stopped` when a person says so."""
    if mine is None:
        answer = await through.ask(question)
    else:
        mine.stop_clock()
        answer = await through.ask(question)
        mine.start_clock()
    if answer.action == "stop":
        raise Stopped(answer.checkpoint, mine.name if mine else None)
    return answer
