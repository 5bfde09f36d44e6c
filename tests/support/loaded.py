"""Crews that were loaded as `QUARTERDECK_CREWS` would name them, or what is said of those that were not."""

from collections.abc import Mapping
from pathlib import Path

from protocol.objects import Crew as Description
from server.crews import load
from server.runnable import Runnable
from server.settings import registrations


def described(found: Runnable | Description) -> Description:
    """Describe what loaded; what did not is a description already."""
    return found if isinstance(found, Description) else found.describe()


def runnable(crews: Mapping[str, Runnable | Description]) -> Runnable:
    """Give the only crew, which must have loaded."""
    (found,) = crews.values()
    assert not isinstance(found, Description), found.broken
    return found


def load_from(*paths: Path | str) -> dict[str, Runnable | Description]:
    """Load what `QUARTERDECK_CREWS` would name."""
    return load(registrations(",".join(map(str, paths))), Path("/nonexistent"))


def reason(found: Runnable | Description) -> str:
    """Say why it did not load."""
    return described(found).broken or ""
