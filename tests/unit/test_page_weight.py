"""What a browser must fetch before it shows the first page, and that a run's page names all that it needs at once."""

import re

from server.assets import EXECUTION, HOME, Assets, File, find_root

#: JavaScript and style sheets of the first page, in bytes on the wire.
FIRST_LOAD = 60 * 1024
#: What only a run, its questions, their changes or another language needs.
RARE = {
    "vendor/marked.js", "vendor/diff/diff/word.js", "ui/run.js", "ui/approval.js", "ui/diff.js", "ui/help.js",
    "ui/transcript.js", "ui/i18n/id.js", "ui/i18n/en-run.js", "ui/run.css", "ui/card.css", "ui/document.css",
}  # fmt: skip

assets = Assets(find_root())


def fetched(view: tuple[str, ...]) -> dict[str, File]:
    """Find the files that the page of a view names."""
    page, _ = assets._rendered("", view)
    names = re.findall(r'(?:href|src)="/static/([^"?]+\.(?:js|css))\?', page.data.decode())
    return {name: assets.files[name] for name in names}


def test_the_first_page_is_light_and_what_is_rare_comes_later() -> None:
    files = fetched(HOME)
    assert sum(len(file.packed or file.data) for file in files.values()) < FIRST_LOAD
    assert files.keys() >= {"ui/app.js", "ui/inbox.js", "ui/base.css"}
    assert not files.keys() & RARE


def test_the_page_of_a_run_names_its_sheets_and_modules() -> None:
    assert fetched(EXECUTION).keys() >= {"ui/run.js", "ui/desk.js", "ui/run.css", "ui/card.css", "ui/document.css"}
