"""What each address of the page needs at once: it is named in advance, so that no import waits for another."""

from collections.abc import Mapping
from dataclasses import dataclass

#: Where there is room for more than one column; `ui/app.js` and `ui/layout.css` say the same.
WIDE = "(width >= 720px)"


@dataclass(frozen=True)
class View:
    """The modules that a view of the page begins with, those of its other columns, and its one style sheet."""

    modules: tuple[str, ...]
    sheet: str
    beside: tuple[str, ...] = ()


ENTRY = "ui/app.js"
HOME = View((ENTRY, "ui/composer.js", "ui/inbox.js"), "ui/home.css")
EXECUTION = View((ENTRY, "ui/run.js"), "ui/execution.css", beside=("ui/inbox.js", "ui/desk.js"))
QUESTION = View((*EXECUTION.modules, "ui/desk.js"), EXECUTION.sheet, beside=("ui/inbox.js",))


def view_of(place: Mapping[str, str]) -> View:
    """Choose the view by what an address names."""
    if "checkpoint" in place:
        return QUESTION
    return EXECUTION if "execution" in place else HOME
