"""What each address of the page needs at once: it is named in advance, so that no import waits for another."""

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.assets.files import File

#: Bare module names that the page's modules import.
BARE = {
    "react": "vendor/preact-compat.js",
    "preact": "vendor/preact.js",
    "preact/hooks": "vendor/preact-hooks.js",
    "htm": "vendor/htm.js",
    "marked": "vendor/marked.js",
    "diff": "vendor/diff/diff/word.js",
}
#: What a module imports when it is loaded. Imports by `import(…)` come when they are called.
IMPORT = re.compile(r"""(?:^|[;}\s])(?:import|export)\b(?:[^;"'()]*?\bfrom)?\s*["']([^"']+)["']""")
#: Where there is room for more than one column; `ui/app.js` and `ui/layout.css` say the same.
WIDE = "(width >= 720px)"


@dataclass(frozen=True)
class View:
    """The modules that a view of the page begins with, those of its other columns, and its one style sheet."""

    modules: tuple[str, ...]
    sheet: str
    beside: tuple[str, ...] = ()


HOME = View(("ui/app.js", "ui/composer.js", "ui/inbox.js"), "ui/home.css")
EXECUTION = View(("ui/app.js", "ui/run.js"), "ui/execution.css", beside=("ui/inbox.js", "ui/desk.js"))
QUESTION = View((*EXECUTION.modules, "ui/desk.js"), EXECUTION.sheet, beside=("ui/inbox.js",))


def view_of(place: Mapping[str, str]) -> View:
    """Choose the view by what an address names."""
    if "checkpoint" in place:
        return QUESTION
    return EXECUTION if "execution" in place else HOME


def needed(files: Mapping[str, File], modules: Iterable[str]) -> list[str]:
    """Name the modules that these cannot run without: what they import, what those import, and so on."""
    found = dict.fromkeys(modules)
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        new = [target for target in _imports(name, files[name]) if target not in found]
        found.update(dict.fromkeys(new))
        waiting += new
    return list(found)


def _imports(name: str, module: File) -> list[str]:
    folder = posixpath.dirname(name)
    targets = IMPORT.findall(module.data.decode())
    return [BARE.get(target) or posixpath.normpath(posixpath.join(folder, target)) for target in targets]
