"""What of the page comes, and when; and what becomes of it where a part cannot be had."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import Screen, opened
from tests.support.demo import SETTINGS
from tests.support.stack import Stack, installed
from tests.unit.test_page_weight import FIRST_LOAD


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """A web process and a worker with the demo crew."""
    with installed("", settings=SETTINGS) as stack:
        await stack.mend()
        yield stack


async def test_a_part_that_cannot_be_loaded_is_told(stack: Stack, browser: Browser) -> None:
    async with opened(browser, stack.port, outages=True) as screen:
        await screen.page.route("**/ui/run.js*", lambda route: route.abort())
        await screen.go("/x/x_unknown")
        await expect(screen.page.get_by_text("This part of the page could not be loaded.")).to_be_visible()
        await screen.page.unroute("**/ui/run.js*")
        await screen.page.get_by_role("button", name="Load the page again").click()
        await expect(screen.page.get_by_text("There is no such run.")).to_be_visible()


async def test_the_page_comes_though_its_language_cannot_be_had(stack: Stack, browser: Browser) -> None:
    async with opened(browser, stack.port, outages=True) as screen:
        await screen.page.add_init_script("localStorage.setItem('quarterdeck.language', 'id')")
        await screen.page.route("**/ui/i18n/id.js*", lambda route: route.abort())
        await screen.page.goto(screen.origin)
        await expect(screen["start-submit"]).to_have_text("Start run")
        await screen.page.unroute("**/ui/i18n/id.js*")
        await screen.page.reload()
        await expect(screen["start-submit"]).to_have_text("Mulai proses")


async def test_the_first_page_is_light(screen: Screen) -> None:
    await screen.go()
    await expect(screen["start-form"]).to_be_visible()
    sizes: dict[str, int] = {}
    for request in screen.requests:
        if request.resource_type in ("script", "stylesheet"):
            sizes[request.url.split("/static/")[1].split("?")[0]] = (await request.sizes())["responseBodySize"]
    assert sum(sizes.values()) < FIRST_LOAD
    assert {"ui/app.js", "ui/home.css"} <= set(sizes)
    later = ("document", "run", "desk", "diff", "i18n/id", "i18n/run")
    assert not {f"ui/{name}.js" for name in later} & set(sizes)
