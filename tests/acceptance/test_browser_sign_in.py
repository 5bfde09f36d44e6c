"""The page where everybody must say who they are: a token is asked for, kept for the tab, shown on the socket only."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import launched, opened
from tests.support.market import look
from tests.support.stack import Stack, installed
from tests.support.tokens import AUTH, token


@pytest.fixture
async def asking() -> AsyncIterator[Stack]:
    """An installation that asks everybody."""
    with installed("", settings=AUTH) as stack:
        await stack.mend()
        yield stack


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.mark.parametrize(
    ("locale", "title", "submit"), [("en", "Who are you?", "Sign in"), ("id", "Siapa Anda?", "Masuk")]
)
async def test_a_person_signs_in_and_out(asking: Stack, browser: Browser, locale: str, title: str, submit: str) -> None:
    context = await browser.new_context(locale=locale)
    page = await context.new_page()
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.on("websocket", lambda socket: urls.append(socket.url))
    await page.goto(f"http://127.0.0.1:{asking.port}/")
    form = page.get_by_test_id("sign-in")
    await expect(form.get_by_role("heading", name=title)).to_be_visible()
    field = form.locator("input")
    await expect(field).to_be_focused()
    await field.fill("not a token")
    await field.press("Enter")
    await expect(form.get_by_role("alert")).to_contain_text("That is no token")
    secret = token(name="Rara")
    await field.fill(secret)
    await form.get_by_role("button", name=submit).click()
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-phase", "open")
    await expect(form).to_have_count(0)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-phase", "open")
    assert not [url for url in urls if secret in url]
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await context.close()


async def test_everybody_can_say_who_they_are(asking: Stack, browser: Browser) -> None:
    """In light and dark, on a desk and on a phone, at first and after what was no token."""
    async with opened(browser, asking.port) as screen:
        await screen.page.goto(screen.origin)
        form = screen["sign-in"]
        await expect(form).to_be_visible()
        await look(screen, "look-sign-in")
        await form.locator("input").fill("not a token")
        await form.locator("input").press("Enter")
        await expect(form.get_by_role("alert")).to_contain_text("That is no token")
        await look(screen, "look-sign-in-refused")
