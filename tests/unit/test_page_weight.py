"""What a browser must fetch before it shows the first page, and that a run's page names all that it needs at once."""

import re

from server.assets import Assets, find_root
from server.assets.files import File
from server.assets.views import EXECUTION, HOME, QUESTION, View

#: JavaScript and style sheets of the first page, in bytes on the wire.
FIRST_LOAD = 60 * 1024
#: The same of the page of a run on a phone, and how many files they are: over HTTP/1.1 only six come at a time.
RUN_LOAD = 95 * 1024
RUN_REQUESTS = 55
#: What only a run, its questions, their changes or another language needs.
RARE = {
    "vendor/marked.js", "vendor/diff/diff/word.js", "ui/run.js", "ui/approval.js", "ui/diff.js", "ui/help.js",
    "ui/transcript.js", "ui/i18n/id.js", "ui/i18n/en-run.js", "ui/execution.css",
}  # fmt: skip

assets = Assets(find_root())


def fetched(view: View, *, wide: bool = True) -> dict[str, File]:
    """Find the files that the page of a view names, on a screen that has room for several columns or not."""
    page, _ = assets.rendered("", view)
    found = re.findall(r'(?:href|src)="/static/([^"?]+\.(?:js|css))\?[^>]*>', page.data.decode())
    beside = re.findall(r'href="/static/([^"?]+)\?[^>]* media="\(width >= 720px\)">', page.data.decode())
    return {name: assets.files[name] for name in found if wide or name not in beside}


def weight(files: dict[str, File]) -> int:
    """Tell the bytes on the wire."""
    return sum(len(file.packed or file.data) for file in files.values())


def test_the_first_page_is_light_and_what_is_rare_comes_later() -> None:
    files = fetched(HOME)
    letters = {"ui/letters.js": assets.files["ui/letters.js"]}  # it comes soon, and puts the page's letters on
    assert weight(files | letters) < FIRST_LOAD
    assert files.keys() >= {"ui/app.js", "ui/inbox.js", "ui/composer.js", "ui/home.css"}
    assert not files.keys() & RARE


def test_the_page_of_a_run_names_its_sheet_and_modules() -> None:
    assert fetched(EXECUTION).keys() >= {"ui/run.js", "ui/desk.js", "ui/inbox.js", "ui/execution.css"}
    assert fetched(QUESTION).keys() == fetched(EXECUTION).keys()


def test_a_phone_fetches_what_it_shows_and_nothing_that_would_stand_beside_it() -> None:
    run, question = fetched(EXECUTION, wide=False), fetched(QUESTION, wide=False)
    assert "ui/run.js" in run
    assert not run.keys() & {"ui/desk.js", "ui/approval.js", "ui/inbox.js", "ui/composer.js", "ui/follow-up.js"}
    assert len(run) <= RUN_REQUESTS
    assert weight(run) < RUN_LOAD
    assert question.keys() - run.keys() >= {"ui/desk.js", "ui/approval.js"}
    assert "ui/inbox.js" not in question
