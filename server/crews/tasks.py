"""A task of a crew at work: where it is held, and what came of it."""

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from crewai import Task
from crewai.tasks.task_output import TaskOutput

from protocol.objects import CrewCheckpoint
from server.crews import outputs
from server.crews.outputs import Stored
from server.crews.parts import Part
from server.crews.scopes import scope

if TYPE_CHECKING:
    from server.crews.team import Team


@dataclass(kw_only=True)
class TaskRun(Part):
    """A task at work."""

    team: "Team"
    task: Task
    before: tuple[CrewCheckpoint, ...] = ()
    after: tuple[CrewCheckpoint, ...] = ()
    prepared_tools: list[Any] = field(default_factory=list)
    edited: bool = False
    #: How often its agent has worked on it: once, then once more for each revision.
    rounds: int = 1
    #: Its draft has come to the gate after it: from there on, `human_input` asks no more.
    reviewed: bool = False
    skipped: str | None = None
    result: TaskOutput | None = None
    #: What `output_file` is to hold, until it is written; then the file's name in the execution's folder.
    unwritten: str | None = None
    file: str | None = None

    def round(self, number: int) -> AbstractContextManager[None]:
        """Be in the scope of one round of the agent's work: the first, or that after a revision."""
        return scope(self.step(number))

    def work(self) -> outputs.Work:
        """Sum up the cost, and what became of it, for the journal."""
        return replace(super().work(), edited=self.edited, rounds=self.rounds)

    def take_up(self, stored: Stored) -> TaskOutput:
        """Go on from what an earlier attempt recorded."""
        self.usage, self.tools, self._earlier = stored.usage, Counter(stored.tools), stored.seconds
        self.edited, self.rounds = stored.edited, stored.rounds
        return outputs.restore(stored, self.task)
