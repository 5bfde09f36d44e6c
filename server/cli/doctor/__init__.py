"""`doctor`: look at everything that a server needs, and say what to do about what is wrong."""

from collections.abc import Callable, Iterable

from rich.markup import escape

from server.cli.doctor import crews, ports, redis
from server.cli.doctor.finding import Finding, Grade
from server.cli.remote import show
from server.settings import Settings

__all__ = ["examine"]

Examination = Callable[[Settings], Iterable[Finding]]
ALL: tuple[Examination, ...] = (redis.examine, ports.examine, crews.examine)
SIGNS = {Grade.GOOD: "[green]✓[/]", Grade.DOUBTFUL: "[yellow]![/]", Grade.BAD: "[red]✗[/]"}


def examine(*, as_json: bool) -> int:
    """Examine, and report; 1 when something is so wrong that the server would not work."""
    settings = Settings.read()
    worst = 0
    for examination in ALL:
        for finding in examination(settings):
            worst = max(worst, 1 if finding.grade is Grade.BAD else 0)
            _report(finding, as_json=as_json)
    return worst


def _report(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        show.as_json(finding)
        return
    show.out.print(f"{SIGNS[finding.grade]} {escape(finding.what)}")
    if finding.advice:
        show.out.print(f"    {escape(finding.advice)}")
