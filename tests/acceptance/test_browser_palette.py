"""What people do from anywhere: the palette, notices of the desktop, the lists of the left column."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.between import between
from tests.support.browser import Screen
from tests.support.client import Frame
from tests.support.market import look, market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

#: Notices as a desktop has them, and a page that can be out of sight.
DESKTOP = """
window.notices = []; window.asked = 0; window.badges = []; window.away = false;
window.Notification = class {
  static permission = "default";
  static async requestPermission() { window.asked += 1; return (this.permission = "granted"); }
  constructor(title, options) { Object.assign(this, options, { title, closed: false }); window.notices.push(this); }
  close() { this.closed = true; }
};
navigator.setAppBadge = async (n) => void window.badges.push(n);
Object.defineProperty(document, "hidden", { get: () => window.away });
Object.defineProperty(document, "visibilityState", { get: () => (window.away ? "hidden" : "visible") });
window.leave = (away) => { window.away = away; document.dispatchEvent(new Event("visibilitychange")); };
"""


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    async with market(server) as stack:
        yield stack


async def holds(screen: Screen, expression: str) -> None:
    """Wait for something on the page; Playwright's own way of waiting is what the page's policy forbids."""
    await wait_until(lambda: screen.page.evaluate(expression), description=expression)


async def selected(screen: Screen) -> str:
    """Name the command that Enter would give, as it is told to who cannot see it."""
    ident = await screen["palette-search"].get_attribute("aria-activedescendant")
    command: str = (
        await screen.page.locator(f'[id="{ident}"][aria-selected="true"]').get_attribute("data-command") or ""
    )
    return command


async def test_anything_is_opened_from_the_palette_by_keys(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "found by its letters", ["after_survey"])
    await screen.go()
    await screen["input-topic"].fill("Half a topic")
    await screen.page.keyboard.press("Control+k")
    await expect(screen["palette-search"]).to_be_focused()
    await look(screen, "palette")
    await screen.page.keyboard.type("letters found")
    await expect(screen["palette"].get_by_role("option")).to_have_count(2)
    first = await selected(screen)
    await screen.page.keyboard.press("ArrowDown")
    assert await selected(screen) == execution != first
    await screen.page.keyboard.press("ArrowDown")
    assert await selected(screen) == first
    await screen.page.keyboard.press("Enter")
    await expect(screen["palette"]).to_have_count(0)
    await screen.page.wait_for_url(f"**/x/{execution}/c/*")
    await expect(screen.card("after_survey")).to_be_focused()


async def test_the_palette_leaves_everything_as_it_was(screen: Screen) -> None:
    await screen.go()
    await screen["input-topic"].fill("Half a topic")
    await screen.page.keyboard.press("Control+k")
    await screen["palette-search"].fill("there is no such thing")
    await expect(screen["palette"].get_by_text("Nothing found.")).to_be_visible()
    await look(screen, "palette-nothing")
    await screen.page.keyboard.press("Enter")
    await screen.page.keyboard.press("Escape")
    await expect(screen["palette"]).to_have_count(0)
    await expect(screen["input-topic"]).to_be_focused()
    await expect(screen["input-topic"]).to_have_value("Half a topic")


async def test_settings_are_chosen_from_the_palette(screen: Screen) -> None:
    await screen.go()
    for letters, element in (("theme dark", ":root[data-theme=dark]"), ("bahasa", "html[lang=id]")):
        await screen.page.keyboard.press("Control+k")
        await screen["palette-search"].fill(letters)
        await screen.page.keyboard.press("Enter")
        await expect(screen.page.locator(element)).to_have_count(1)
    await expect(screen.page.locator(".preferences select").first).to_have_value("dark")
    await screen.page.keyboard.press("Control+k")
    await screen["palette"].locator("[data-command=keys]").click()
    await expect(screen["keys"]).to_be_visible()


async def test_the_desktop_tells_of_a_question_that_came_while_nobody_looked(screen: Screen, stack: Stack) -> None:
    first = await start(stack, "the first of them", ["after_survey"])
    await screen.page.add_init_script(DESKTOP)
    await screen.go(f"/x/{first}")
    await screen.press("approve")
    await expect(screen["notices"]).to_be_visible()
    assert await screen.page.evaluate("window.asked") == 0, "nobody is asked before a click"
    await look(screen, "notices-offered")
    await screen["notices-on"].click()
    await expect(screen["notices"]).to_have_count(0)
    assert await screen.page.evaluate("window.asked") == 1
    await start(stack, "seen anyway", ["after_survey"])
    asked = screen["inbox"].locator('a[href*="/c/"]', has_text="seen anyway")  # its question, not just its run
    await expect(asked.first).to_be_visible()
    await holds(screen, "window.badges.at(-1) === document.querySelectorAll('.waiting > li').length")  # and heeded
    await screen.page.evaluate("leave(true)")
    second = await start(stack, "the second of them", ["after_survey"])
    await holds(screen, "window.notices.length === 1")
    notice: dict[str, Any] = await screen.page.evaluate(
        "(({ title, body, tag, closed }) => ({ title, body, tag, closed }))(window.notices[0])"
    )
    assert notice["title"] == "“Is the survey right?” waits for an answer"
    assert notice["body"] == "the second of them"
    await screen.page.evaluate("leave(false)")
    await screen.page.evaluate("window.notices[0].onclick()")
    await screen.page.wait_for_url(f"**/x/{second}/c/{notice['tag']}")
    await screen.press("approve")
    await screen.ended("completed")
    await holds(screen, "window.notices[0].closed")


async def test_who_says_no_is_not_asked_again(screen: Screen, stack: Stack) -> None:
    await screen.page.add_init_script(DESKTOP)
    for topic in ("asked once", "and no more"):
        execution = await start(stack, topic, ["after_survey"])
        await screen.go(f"/x/{execution}")
        await screen.press("approve")
        await screen.ended("completed")
        if topic == "asked once":
            await screen["notices-off"].click()
        await expect(screen["notices"]).to_have_count(0)
    assert await screen.page.evaluate("window.asked") == 0


async def test_the_icons_of_the_app_and_of_the_tab_and_its_title_tell_what_waits(screen: Screen, stack: Stack) -> None:
    await screen.page.add_init_script(DESKTOP)
    execution = await start(stack, "counted", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await expect(screen.page).to_have_title(re.compile(r"^\(\d+\) counted"))
    waiting = await screen.page.locator(".waiting a").count()
    await holds(screen, f"window.badges.at(-1) === {waiting}")
    icon = screen.page.locator("link[rel=icon]")
    await expect(icon).to_have_attribute("href", re.compile(r"/static/ui/icons/waiting\.svg$"))
    assert (await screen.page.request.get(await icon.evaluate("link => link.href"))).ok
    await screen.press("approve")
    await holds(screen, f"window.badges.at(-1) === {waiting - 1}")


async def test_what_was_decided_is_listed_and_can_be_opened(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "looked back on", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await screen["show-decided"].click()
    await expect(screen["show-mine"]).to_have_count(0)  # an open server tells nobody's own from others'
    await screen.press("approve")
    row = screen["decided"].get_by_role("link", name="looked back on")
    await expect(row).to_contain_text("You approved “Is the survey right?”")
    await screen.ended("completed")
    await look(screen, "inbox-decided")
    await row.click()
    await expect(screen.card("after_survey", state="decided")).to_be_visible()
    await screen["show-all"].click()
    await expect(screen["decided"]).to_have_count(0)


async def test_older_decisions_that_cannot_be_had_are_told_and_asked_for_again(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "long ago", ["after_survey"])
    async with stack.connect() as other:
        await other.command("watch", execution=execution)
        await other.decide(await other.question(execution, "after_survey"), "approve")
    refusal = {"code": "unavailable", "message": "Lost", "retry": True}
    away = True

    def refuse(frame: Frame) -> Frame:
        if frame.get("what") == "checkpoints" and frame.get("cursor") == "more":
            frame = {**frame, "cursor": None}
            return {"type": "error", "re": frame["id"], **refusal} if away else frame
        return frame

    def more(frame: Frame) -> Frame:
        decided = frame["type"] == "reply" and any("history" in item for item in frame["data"].get("items", ()))
        return {**frame, "data": {**frame["data"], "next": "more"}} if decided and away else frame

    await between(screen, said=refuse, heard=more)
    await screen.go()
    await screen["show-decided"].click()
    lists = screen.page.locator(".lists")
    await lists.get_by_role("button", name="Older", exact=True).first.click()
    await expect(lists.get_by_role("alert")).to_contain_text("The server cannot reach its storage just now.")
    await expect(screen["decided"].get_by_role("link", name="long ago")).to_have_count(1)
    away = False
    await lists.get_by_role("button", name="Older", exact=True).first.click()
    await expect(lists.get_by_role("alert")).to_have_count(0)


async def test_on_a_server_that_knows_people_ones_own_are_told_apart(screen: Screen, stack: Stack) -> None:
    mine, theirs = [await start(stack, f"run of {who}", ["after_survey"]) for who in ("mine", "theirs")]

    def known(frame: Frame) -> Frame:
        if frame["type"] == "welcome":
            return {**frame, "auth": "done", "principal": {"id": "rara", "name": "Rara"}}
        for item in frame.get("data", {}).get("items", ()) if frame["type"] == "reply" else ():
            if item.get("id") in (mine, theirs):
                item["owner"] = {"id": "rara" if item["id"] == mine else "dimas", "name": "…"}
        return frame

    await between(screen, heard=known)
    await screen.go()
    waiting = screen.page.locator(".waiting a")
    await expect(waiting.filter(has_text="run of theirs")).to_have_count(1)
    await screen["show-mine"].click()
    await expect(waiting).to_have_count(1)
    await expect(waiting).to_contain_text("run of mine")
    await look(screen, "inbox-mine")


async def test_older_runs_come_page_by_page(screen: Screen, stack: Stack) -> None:
    for number in range(5):
        await start(stack, f"older {number}", [])

    def fewer(frame: Frame) -> Frame:
        return {**frame, "limit": 2} if frame.get("what") == "executions" else frame

    await between(screen, said=fewer)
    await screen.go()
    runs = screen.page.locator(".runs a")
    await expect(runs).to_have_count(2)
    await screen["older"].click()
    await expect(runs).to_have_count(4)
    await expect(runs.nth(3)).to_contain_text("older 1")
    await look(screen, "inbox-older")
