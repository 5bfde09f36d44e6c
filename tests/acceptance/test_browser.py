"""People at the page, in a real browser, on the real server and the demo crew."""

import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import anyio
import pytest
from playwright.async_api import Browser, ElementHandle, WebSocketRoute, expect

from tests.support.browser import Screen, line_to, opened
from tests.support.demo import (
    BRIEF,
    CHECKPOINTS,
    HANDLE,
    HEADLINE,
    LONG_BRIEF,
    OLD_HANDLE,
    SETTINGS,
    begin,
    decisions,
    edited,
    entries,
    events,
)
from tests.support.stack import Stack, installed
from tests.support.waiting import wait_until

#: Presses a button at a moment of the clock, as two people do who know nothing of each other.
PRESS = "(it, at) => new Promise(done => setTimeout(() => done(it.click()), at - Date.now()))"
MODES: list[tuple[str, int, Any]] = [("light", 1440, "light"), ("dark", 1440, "dark"), ("narrow", 390, "light")]


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Two web processes and a worker with the demo crew."""
    with installed("", webs=2, settings=SETTINGS) as stack:
        await stack.mend()
        yield stack


def second(stack: Stack, browser: Browser) -> AbstractAsyncContextManager[Screen]:
    """Somebody else's browser, on the other web process."""
    return opened(browser, stack.webs[1].port)


async def check_thread(screen: Screen, stack: Stack) -> None:
    """See that the thread holds what the log holds, once each and in its order, and that a fresh page says the same."""
    assert await screen.entries() == entries(stack, screen.execution)
    shown = await screen.thread()
    await screen.page.reload()
    await expect(screen["result"]).to_be_visible()
    assert await screen.thread() == shown


async def test_a_run_goes_from_the_brief_through_an_edit_to_the_result(screen: Screen, stack: Stack) -> None:
    await screen.start(BRIEF)
    await expect(screen.card("after_planning")).to_be_visible()
    lengths = await screen.growth("content_plan")
    assert len(set(lengths)) >= 5
    assert lengths[0] < lengths[len(lengths) // 2] < lengths[-1]
    await screen.edit(edited)
    await screen["tab-changes"].click()
    await expect(screen["diff"].locator("ins", has_text="nights")).to_be_visible()
    await screen.keep("changes")
    await screen.press("edit")
    await expect(screen["verdict"]).to_contain_text("You approved “Is the plan right?” with edits")
    await screen.approve("after_analysis")
    await expect(screen["will-be-asked"].locator(".draft")).to_be_hidden()
    await screen["will-be-asked"].locator("summary").click()
    await expect(screen["will-be-asked"]).to_contain_text("Write the final strategy.")
    await screen.keep("before")
    await screen.approve("before_finalization")
    await expect(screen["result"]).to_contain_text(HEADLINE)
    await expect(screen["result"]).to_contain_text(HANDLE)
    await expect(screen.page).to_have_title(re.compile(rf"(^|\) ){BRIEF} · Quarterdeck$"))
    await expect(screen["result"]).not_to_contain_text(OLD_HANDLE)
    assert decisions(stack, screen.execution) == list(zip(CHECKPOINTS, ["edit", "approve", "approve"], strict=True))
    await check_thread(screen, stack)


async def test_changes_that_are_asked_for_come_as_a_new_version(screen: Screen, stack: Stack) -> None:
    await screen.start(BRIEF)
    await screen.card("after_planning").focus()
    await expect(screen["action-revise"]).to_have_attribute("aria-disabled", "false")
    await screen.page.keyboard.press("r")
    await expect(screen.page.get_by_role("alert").get_by_text("Say what should change")).to_be_visible()
    await expect(screen["note"]).to_be_focused()
    await screen["note"].fill("Two creators, not three")
    await screen.press("revise")
    await expect(screen.page.get_by_role("region", name="Waits for you")).to_be_focused()
    card = screen.card("after_planning", version=2)
    await expect(card).to_contain_text("version 2")
    await expect(card).to_contain_text("“Two creators, not three”")
    await expect(screen["note"]).to_have_value("")
    await expect(screen["task-content_plan"]).to_have_count(2)
    await screen.keep("version-2")
    assert decisions(stack, screen.execution) == [("after_planning", "revise")]


async def test_a_stop_asks_again_in_place(screen: Screen, stack: Stack) -> None:
    await screen.start(BRIEF)
    await expect(screen.card("after_planning")).to_be_visible()
    await screen.press("stop")
    await expect(screen["action-stop-keep"]).to_be_focused()
    await screen.press("stop-keep")
    assert decisions(stack, screen.execution) == []
    await screen.press("stop")
    await screen.press("stop-confirm")
    await screen.ended("stopped")
    assert decisions(stack, screen.execution) == [("after_planning", "stop")]
    await expect(screen["thread"]).to_contain_text("You stopped the run at “Is the plan right?”")


async def test_two_decide_at_once_and_the_slower_one_keeps_their_words(
    screen: Screen, stack: Stack, browser: Browser
) -> None:
    path = await begin(stack, "Two at once", ["after_planning"])
    async with second(stack, browser) as other:
        for person in (screen, other):
            await person.go(path)
        await screen["note"].fill("Approved as it stands")
        await other.edit(edited)
        buttons = [await ready(screen, "approve"), await ready(other, "edit")]
        moment = await screen.page.evaluate("Date.now() + 300")
        async with anyio.create_task_group() as group:
            for button in buttons:
                group.start_soon(button.evaluate, PRESS, moment)
        await wait_until(lambda: len(decisions(stack, screen.execution)) > 0, description="it is decided")
        ((_, action),) = decisions(stack, screen.execution)
        loser, words = (other, HEADLINE) if action == "approve" else (screen, "Approved as it stands")
        await expect(loser.page.get_by_text("Somebody decided first")).to_be_visible()
        await expect(loser.page.locator(".kept")).to_contain_text(words)
        await loser.keep("decided-first")
        for person in (screen, other):
            await person.ended("completed")


async def ready(screen: Screen, action: str) -> ElementHandle:
    """Wait until a button may be pressed."""
    button = screen[f"action-{action}"]
    await expect(button).to_have_attribute("aria-disabled", "false")
    return await button.element_handle()


async def test_the_network_is_cut_while_text_streams_and_in_the_middle_of_an_edit(
    stack: Stack, browser: Browser
) -> None:
    async with line_to(stack.port) as line, opened(browser, line.port, outages=True) as screen:
        await screen.start(LONG_BRIEF, unasked=CHECKPOINTS[1:])
        await screen["stream-content_plan"].wait_for()
        line.cut()
        await screen.lost()
        await expect(screen["task-content_plan"]).to_have_attribute("data-state", "running")
        line.mend()
        await screen.online()
        await expect(screen.card("after_planning")).to_be_visible()
        await screen.edit(edited)
        line.cut()
        await screen.lost()
        await screen.edit(lambda plan: f"{plan}\nTyped without a connection.")
        await expect(screen["action-edit"]).to_contain_text("when connected")
        await screen.press("edit")
        await expect(screen.page.get_by_text("This goes out as soon as there is a connection.")).to_be_visible()
        await screen.keep("offline")
        line.mend()
        await screen.online()
        await screen.ended("completed")
        await expect(screen["result"]).to_contain_text(HEADLINE)
        assert decisions(stack, screen.execution) == [("after_planning", "edit")]
        plan = next(event for event in events(stack, screen.execution) if event["type"] == "task.completed")
        assert plan["data"]["output"].startswith(f"# {HEADLINE}\n")
        assert plan["data"]["output"].endswith("\nTyped without a connection.")
        await check_thread(screen, stack)


async def test_the_server_is_killed_while_text_streams_and_in_the_middle_of_an_edit(
    screen: Screen, stack: Stack
) -> None:
    web = stack.webs[0]
    await screen.start(LONG_BRIEF, unasked=CHECKPOINTS[1:])
    await screen["stream-content_plan"].wait_for()
    web.stop(signal.SIGKILL)
    await expect(screen["task-content_plan"]).to_have_attribute("data-state", "running")
    web.start()
    await expect(screen.card("after_planning")).to_be_visible()
    await screen.edit(edited)
    web.stop(signal.SIGKILL)
    await screen.lost()
    await screen["note"].fill("Written while the server was away")
    web.start()
    await screen.live()
    await screen["tab-edit"].click()
    assert (await screen["editor"].input_value()).startswith(f"# {HEADLINE}\n")
    await screen.page.reload()
    await expect(screen["note"]).to_have_value("Written while the server was away")
    await screen.press("edit")
    await expect(screen["result"]).to_contain_text(HEADLINE)
    assert decisions(stack, screen.execution) == [("after_planning", "edit")]
    await check_thread(screen, stack)


async def test_the_form_knows_what_is_wanted_and_keeps_its_words(screen: Screen, stack: Stack) -> None:
    await screen.go()
    await expect(screen["input-user_input"]).to_be_focused()
    await expect(screen["input-output_language"]).to_have_value("English")
    await screen.page.keyboard.type("Half a brief")
    await screen["input-output_language"].fill("Basa Jawa")
    await screen["checkpoint-after_analysis"].uncheck()
    title = f"Begun elsewhere {stack.port}"
    path = await begin(stack, title, ["after_planning"])
    await screen["inbox"].get_by_role("link", name=title).first.click()
    await expect(screen.card("after_planning")).to_be_visible()
    assert path.startswith(f"/x/{screen.execution}")
    await screen.page.go_back()
    for _ in range(2):
        await expect(screen["input-user_input"]).to_have_value("Half a brief")
        await expect(screen["input-output_language"]).to_have_value("Basa Jawa")
        await expect(screen["checkpoint-after_analysis"]).not_to_be_checked()
        await screen.page.reload()


async def held_starts(screen: Screen) -> list[Callable[[], None]]:
    """Keep starts on their way until each is let go."""
    held: list[Callable[[], None]] = []

    def hold(page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        page.on_message(
            lambda said: held.append(partial(server.send, said)) if '"type":"start"' in str(said) else server.send(said)
        )

    await screen.page.route_web_socket("**/ws", hold)
    return held


async def test_what_is_typed_while_a_start_is_on_its_way_is_kept_for_the_next(screen: Screen, stack: Stack) -> None:
    held = await held_starts(screen)
    await screen.go()
    await screen["input-user_input"].fill("Coffee, 3 creators")
    await screen["start-submit"].click()
    await expect(screen["start-submit"]).to_have_text("Starting…")
    await screen["input-user_input"].fill("Tea, 2 creators")
    held[0]()
    await screen.page.wait_for_url("**/x/*")
    await screen.go()
    await expect(screen["input-user_input"]).to_have_value("Tea, 2 creators")


async def test_who_reads_something_else_while_a_start_is_on_its_way_is_left_there(screen: Screen, stack: Stack) -> None:
    path = await begin(stack, "Read meanwhile", [])
    held = await held_starts(screen)
    await screen.go()
    await screen["input-user_input"].fill("Begun meanwhile")
    await screen["start-submit"].click()
    await screen["inbox"].get_by_role("link", name="Read meanwhile").click()
    held[0]()
    await expect(screen["inbox"].get_by_role("link", name="Begun meanwhile").first).to_be_visible()
    await expect(screen["result"]).to_be_visible()
    assert screen.page.url.endswith(path)


async def test_runs_begun_elsewhere_are_listed_at_once(screen: Screen, stack: Stack) -> None:
    await screen.go()
    path = await begin(stack, "Begun by a program", [])
    run = screen["inbox"].get_by_role("link", name="Begun by a program")
    await expect(run).to_contain_text("Completed")
    await expect(run).to_have_attribute("href", path)


async def test_every_page_is_accessible_in_light_and_dark_and_on_a_phone(screen: Screen, stack: Stack) -> None:
    card = await begin(stack, "Looked at", ["after_planning"])
    result = await begin(stack, "Done", [])
    places = {"start": ("/", "start-form"), "card": (card, "checkpoint-card"), "result": (result, "result")}
    for name, (path, shown) in places.items():
        await screen.go(path)
        await expect(screen[shown]).to_be_visible()
        for mode, width, colours in MODES:
            await screen.page.emulate_media(color_scheme=colours)
            await screen.page.set_viewport_size({"width": width, "height": 844 if width < 720 else 900})
            assert await screen.accessibility() == [], f"{name}, {mode}"
            await screen.keep(f"{name}-{mode}")
        await screen.page.set_viewport_size({"width": 1440, "height": 900})
