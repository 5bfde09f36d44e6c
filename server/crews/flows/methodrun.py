"""A method of a flow at work."""

from dataclasses import dataclass
from typing import Any

from protocol.objects import CrewCheckpoint
from server.crews.parts import Part


@dataclass(kw_only=True)
class MethodRun(Part):
    """A method at work. `name` is shown to people, `method` is what the flow calls it."""

    method: str
    before: tuple[CrewCheckpoint, ...] = ()
    after: tuple[CrewCheckpoint, ...] = ()
    output: Any = None
    edited: bool = False
    skipped: str | None = None
