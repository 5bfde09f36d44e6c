"""The reference in a real browser: both pages can be read by everybody, and lead to each other."""

import pytest
from playwright.async_api import expect

from tests.support.browser import Screen


@pytest.mark.parametrize(("path", "title"), [("/docs", "Over HTTP"), ("/docs/socket", "The socket")])
async def test_everybody_can_read_it_in_light_and_dark_on_a_desk_and_on_a_phone(
    screen: Screen, path: str, title: str
) -> None:
    answer = await screen.page.goto(screen.origin + path)
    assert answer is not None
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text(title)
    await screen.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for width in (1440, 390):
        await screen.page.set_viewport_size({"width": width, "height": 900})
        assert not await screen.page.evaluate("document.documentElement.scrollWidth > innerWidth"), width
        for mode in ("light", "dark"):
            await screen.page.emulate_media(color_scheme="dark" if mode == "dark" else "light")
            assert await screen.accessibility() == [], f"{mode}, {width}"
            await screen.keep(f"reference-{title.split()[-1].lower()}-{mode}-{width}")


async def test_the_pages_lead_to_each_other_and_examples_unfold_by_keys(screen: Screen) -> None:
    await screen.page.goto(f"{screen.origin}/docs")
    await screen.page.get_by_role("link", name="The socket").click()
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text("The socket")
    await expect(screen.page.get_by_role("link", name="The socket")).to_have_attribute("aria-current", "page")
    start = screen.page.locator("[id='command.start']")
    await start.locator("summary").first.focus()
    await screen.page.keyboard.press("Enter")
    await expect(start.locator("pre").first).to_contain_text('"crew": "content"')
    await start.get_by_role("link", name="Started").click()
    await expect(screen.page.locator("#Started")).to_be_in_viewport()
    await screen.page.get_by_role("link", name="Over HTTP").click()
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text("Over HTTP")
    await screen.page.get_by_role("link", name="Quarterdeck", exact=True).click()
    await screen.live()
