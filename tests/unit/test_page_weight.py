"""What a browser must fetch before it shows the first page, and that a run's page names all that it needs at once."""

import re

from server.assets import Assets, find_root
from server.assets.files import File, find
from server.assets.views import EXECUTION, HOME, QUESTION, View

#: JavaScript and style sheets of the first page, in bytes on the wire.
FIRST_LOAD = 60 * 1024
#: The same of the page of a run on a phone, and how many files they are: over HTTP/1.1 only six come at a time.
RUN_LOAD = 80 * 1024
REQUESTS = 6
#: What only a run, its questions, their changes or another language needs.
RARE = {
    "vendor/marked", "vendor/diff/diff/word", "ui/run", "ui/approval", "ui/diff", "ui/help", "ui/transcript",
    "ui/i18n/id", "ui/i18n/en-run", "client/webhooks",
}  # fmt: skip

assets = Assets(find_root())
MODULES = {name.removesuffix(".js") for name in find(find_root()) if name.endswith(".js")}


def fetched(view: View, *, wide: bool = True) -> dict[str, File]:
    """Find the files that the page of a view names, on a screen that has room for several columns or not."""
    page, _ = assets.rendered("", view)
    found = re.findall(r'(?:href|src)="/static/([^"?]+\.(?:js|css))\?[^>]*>', page.data.decode())
    beside = re.findall(r'href="/static/([^"?]+)\?[^>]* media="\(width >= 720px\)">', page.data.decode())
    return {name: assets.files[name] for name in found if wide or name not in beside}


def weight(files: dict[str, File]) -> int:
    """Tell the bytes on the wire."""
    return sum(len(file.packed or file.data) for file in files.values())


def held(files: dict[str, File]) -> set[str]:
    """Name the modules that parts hold, without their ending."""
    texts = [file.data.decode() for name, file in files.items() if name.endswith(".js")]
    idents = {ident for text in texts for ident in re.findall(r"^const \$(?!default)(\w+) = ", text, re.MULTILINE)}
    return {name for name in MODULES if re.sub(r"\W", "_", name) in idents}


def test_the_first_page_is_light_and_what_is_rare_comes_later() -> None:
    files = fetched(HOME)
    letters = {"ui/letters.js": assets.files["ui/letters.js"]}  # it comes soon, and puts the page's letters on
    assert weight(files | letters) < FIRST_LOAD
    assert len(files) <= REQUESTS
    assert "ui/home.css" in files
    assert held(files) >= {"ui/app", "ui/inbox", "ui/composer", "client/index", "vendor/preact"}
    assert not held(files) & RARE


def test_the_page_of_a_run_names_its_sheet_and_modules() -> None:
    assert "ui/execution.css" in fetched(EXECUTION)
    assert held(fetched(EXECUTION)) >= {"ui/run", "ui/desk", "ui/inbox"}
    assert fetched(QUESTION).keys() == fetched(EXECUTION).keys()


def test_a_phone_fetches_what_it_shows_and_nothing_that_would_stand_beside_it() -> None:
    run, question = fetched(EXECUTION, wide=False), fetched(QUESTION, wide=False)
    assert "ui/run" in held(run)
    assert not held(run) & {"ui/desk", "ui/approval", "ui/inbox", "ui/composer", "ui/follow-up"}
    assert len(run) <= REQUESTS
    assert weight(run) < RUN_LOAD
    assert held(question) - held(run) >= {"ui/desk", "ui/approval"}
    assert "ui/inbox" not in held(question)


def test_no_module_comes_in_two_parts() -> None:
    texts = [file.data.decode() for name, file in assets.files.items() if name.endswith(".js")]
    idents = [ident for text in texts for ident in re.findall(r"^const \$(?!default)(\w+) = ", text, re.MULTILINE)]
    assert len(idents) == len(set(idents)) > 80
