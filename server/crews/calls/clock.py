"""The date in prompts (`inject_date`): the day on which the execution began, also on a later attempt.

Otherwise every prompt of an agent that is told the date would differ after midnight, and all calls be made again.
"""

from datetime import datetime, tzinfo
from typing import Any

from crewai.utilities import prompts

from server.crews.run import RUN


class _Clock(datetime):
    """Stands for `datetime` in crewai/utilities/prompts.py, which uses of it nothing but `now`."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        """Give the moment at which the execution at hand began; the present one outside of executions."""
        run = RUN.get()
        began = run.began if run is not None and run.registration.freeze_clock else None
        return datetime.now(tz) if began is None else began.astimezone(tz)


def install() -> None:
    """Put the clock into the prompts."""
    prompts.datetime = _Clock  # type: ignore[attr-defined] # a module's imported name
