"""What Lighthouse says of the page. Its scores for speed depend on the machine: `make bench` has them."""

from collections.abc import AsyncIterator

import pytest

from tests.support.lighthouse import Audit, audit
from tests.support.market import market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack
from tests.unit.test_page_weight import FIRST_LOAD, RUN_LOAD

#: A first installation fetches some fifty megabytes.
pytestmark = pytest.mark.timeout(400)
#: What each answer has beside its content, in bytes.
HEADERS = 1024
#: The letters of the page: three families, of which none is slanted at first, in bytes.
FONTS = 136 * 1024
#: The document itself, and the icon of the tab.
DOCUMENT = 12 * 1024


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    async with market(server) as stack:
        yield stack


def check(found: Audit) -> None:
    """See that everybody can use the page, that it keeps to what is good practice, and that it stands still."""
    assert found.failed == []
    assert (found.scores["accessibility"], found.scores["best-practices"]) == (100, 100)
    assert found.metrics["cls"] < 0.01, found.shifts


def check_load(found: Audit, view: str, limit: int) -> None:
    """See that one style sheet alone holds up the first paint, that nothing comes twice, and what all of it weighs."""
    names = [file.name for file in found.fetched if file.name]
    assert len(names) == len(set(names))
    assert {url.partition("/static/")[2].partition("?")[0] for url in found.blocking} <= {f"ui/{view}.css"}
    fonts = sum(file.bytes for file in found.fetched if file.name.endswith(".woff2"))
    assert fonts < FONTS
    assert sum(file.bytes for file in found.fetched) - fonts < limit + DOCUMENT + HEADERS * len(found.fetched)


async def test_a_phone_at_home_and_at_a_run_that_waits_and_a_desk_with_the_question(stack: Stack) -> None:
    execution = await start(stack, "looked at by Lighthouse", ["after_survey"])
    origin = f"http://127.0.0.1:{stack.port}"
    home, run = await audit(f"{origin}/", f"{origin}/x/{execution}")
    (question,) = await audit(f"{origin}/x/{execution}", form="desktop")
    for found in (home, run, question):
        check(found)
    check_load(home, "home", FIRST_LOAD)
    check_load(run, "execution", RUN_LOAD)
    assert "ui/desk.js" in {file.name for file in question.fetched} - {file.name for file in run.fetched}
