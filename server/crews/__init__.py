"""CrewAI crews as the engine sees them: loaded, described, run under a journal, held at checkpoints.

Importing this package does not import crewai; `load` and `prepare_process` do. Call `silence` before anything that may.
"""

from collections.abc import Mapping
from pathlib import Path

from protocol.objects import Crew
from server.crews.silence import silence
from server.runnable import Runnable


def load(registrations: Mapping[str, str], project: Path) -> dict[str, Runnable | Crew]:
    """Load every registered crew: name to `module:attr`, found on `sys.path` or in the folder `project`.

    A crew that does not load is given as its description, with `broken` telling why.
    """
    silence()
    from server.crews.loader import load_all

    return load_all(registrations, project)


def prepare_process(threads: int) -> None:
    """Make this process fit to run crews: `threads` at once for model and tool calls. Call it on the running loop."""
    silence()
    from server.crews import process

    process.prepare(threads)


__all__ = ["load", "prepare_process", "silence"]
