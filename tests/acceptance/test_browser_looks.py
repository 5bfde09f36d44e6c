"""States of the page that no other test looks at: all can use them, in light and dark, on a desk and on a phone."""

import threading
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.between import Between, between
from tests.support.browser import Screen, line_to, opened
from tests.support.client import Frame
from tests.support.market import SURVEY, look, market, start
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.stack import Stack

CREWS = "market=market:crew,failing=faulty:failing,broken=faulty:unbuildable"


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    for task in ("draft", "polish", "publish"):
        server.reply(f"do {task} about", f"The {task}.")
    async with market(server, QUARTERDECK_CREWS=CREWS) as stack:
        yield stack


# The left column and the form


async def test_a_desk_on_which_there_is_nothing(screen: Screen) -> None:
    def nothing(frame: Frame) -> Frame:
        if frame["type"] == "reply" and isinstance(frame["data"], dict):
            emptied: Frame = {name: [] for name in ("items", "checkpoints") if name in frame["data"]}
            return {**frame, "data": {**frame["data"], **emptied}}
        return frame

    await between(screen, heard=nothing)
    await screen.go()
    for words in ("Nothing waits for you.", "No runs yet.", "No crews are registered yet."):
        await expect(screen.page.get_by_text(words)).to_be_visible()
    await look(screen, "look-empty")
    await screen["show-decided"].click()
    await expect(screen.page.get_by_text("Nothing was decided yet.")).to_be_visible()
    await look(screen, "look-nothing-decided")


async def test_a_search_that_finds_nothing(screen: Screen, stack: Stack) -> None:
    await start(stack, "not what is sought", ["after_survey"])
    await screen.go()
    await screen["search"].fill("nowhere to be found")
    await expect(screen["inbox"].get_by_text("Nothing found.")).to_have_count(2)
    await look(screen, "look-nothing-found")


async def test_a_form_that_lacks_something_and_a_crew_that_cannot_run(screen: Screen) -> None:
    await screen.go()
    await screen["start-submit"].click()
    await expect(screen.page.get_by_text("Fill this in").first).to_be_visible()
    await look(screen, "look-missing")
    await screen.page.locator("#crew").select_option("broken")
    await expect(screen.page.get_by_text("This crew cannot run")).to_be_visible()
    await look(screen, "look-broken")


# Runs


async def test_a_run_that_waits_for_a_worker_and_one_that_is_caught_up_with(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "not begun", [])

    def begun(frame: Frame) -> Frame | None:
        if frame.get("execution") != execution or frame["type"] == "error":
            return frame
        return frame if frame.get("offset") == 1 and "." in frame["type"] else None

    await between(screen, heard=begun)
    await screen.go(f"/x/{execution}")
    await expect(screen["run-state"]).to_have_text("Queued")
    await expect(screen.page.get_by_text("Catching up…")).to_be_visible()
    await look(screen, "look-queued")


async def test_a_run_at_work_its_end_and_the_question_before_that(
    screen: Screen, stack: Stack, server: OpenAIServer
) -> None:
    held = threading.Event()
    server.reply("do survey about the one at work", Reply(SURVEY, hold=held))
    async with stack.connect() as client:
        inputs = {"topic": "the one at work", "output_language": "English"}
        started = await client.command("start", crew="market", inputs=inputs, checkpoints=[])
    await screen.go(f"/x/{started['execution']}")
    await expect(screen.page.get_by_text("is working…")).to_be_visible()
    await look(screen, "look-running")
    await screen["run-cancel"].click()
    await expect(screen["run-cancel-yes"]).to_be_visible()
    await look(screen, "look-cancel-sure")
    await screen["run-cancel-yes"].click()
    await screen.ended("cancelled")
    held.set()
    await look(screen, "look-cancelled")


async def test_a_run_that_failed(screen: Screen, stack: Stack) -> None:
    async with stack.connect() as client:
        started = await client.command("start", crew="failing", inputs={"topic": "bad luck"}, checkpoints=[])
        await client.end(started["execution"])
    await screen.go(f"/x/{started['execution']}")
    await screen.ended("failed")
    await expect(screen["thread"]).to_contain_text("The almanac has no such day.")
    await look(screen, "look-failed")


async def test_runs_that_cannot_be_opened(screen: Screen, stack: Stack) -> None:
    await screen.go("/x/x_unknown")
    await expect(screen.page.get_by_text("There is no such run.")).to_be_visible()
    await look(screen, "look-unknown")

    def forbid(frame: Frame) -> Frame:
        if frame["type"] == "watch" and frame.get("execution"):
            return {"type": "error", "re": frame["id"], "code": "forbidden", "message": "No", "retry": False}
        return frame

    await between(screen, said=forbid)
    await screen.go(f"/x/{await start(stack, 'of somebody else', [])}")
    await expect(screen.page.get_by_text("You have no access to this run.")).to_be_visible()
    await look(screen, "look-forbidden")


# Questions


async def test_a_question_that_is_not_known(screen: Screen, stack: Stack) -> None:
    await screen.go(f"/x/{await start(stack, 'without that question', [])}/c/cp_unknown")
    await expect(screen.page.get_by_text("This question is not known here.")).to_be_visible()
    await look(screen, "look-gone")


async def test_a_draft_that_is_made_anew(screen: Screen, stack: Stack, server: OpenAIServer) -> None:
    held = threading.Event()
    server.reply("do survey about made anew", SURVEY, Reply(SURVEY, hold=held))
    execution = await start(stack, "made anew", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await screen["note"].fill("Ask two hundred")
    await screen.press("revise")
    await expect(screen.page.get_by_text("The crew works on your changes")).to_be_visible()
    await look(screen, "look-revising")
    held.set()
    await expect(screen.card("after_survey", version=2)).to_be_visible()


async def test_a_stop_that_is_asked_about_again(screen: Screen, stack: Stack) -> None:
    await screen.go(f"/x/{await start(stack, 'to be stopped', ['after_survey'])}")
    await screen.press("stop")
    await expect(screen.page.get_by_role("alertdialog")).to_be_visible()
    await look(screen, "look-stop-sure")
    await screen.press("stop-confirm")
    await screen.ended("stopped")
    await look(screen, "look-stopped")


async def test_words_that_somebody_else_was_faster_than(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "decided first", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await screen["note"].fill("I would have asked for more")
    async with stack.connect() as other:
        await other.command("watch", execution=execution)
        await other.decide(await other.question(execution, "after_survey"), "approve")
    await expect(screen.page.get_by_text("Somebody decided first")).to_be_visible()
    await expect(screen.page.locator(".kept")).to_contain_text("I would have asked for more")
    await look(screen, "look-decided-first")


async def test_a_question_in_the_dock_under_a_run(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "in the dock", ["after_survey"])
    for width, height in ((1024, 768), (768, 1024)):
        await screen.page.set_viewport_size({"width": width, "height": height})
        await screen.go(f"/x/{execution}")
        await expect(screen["action-approve"]).to_be_in_viewport()
        await expect(screen["task-survey"]).to_be_visible()
        assert await screen.accessibility() == []
        await screen.keep(f"look-dock-{width}")
        await screen.card("after_survey").focus()
        await screen.page.keyboard.press("e")
        await expect(screen["task-survey"]).to_be_hidden()
        assert await screen.accessibility() == []
        await screen.keep(f"look-dock-larger-{width}")
        await screen.page.keyboard.press("e")
        await expect(screen["task-survey"]).to_be_visible()


# The connection


async def test_a_question_without_a_connection_and_with_one_that_is_over(stack: Stack, browser: Browser) -> None:
    execution = await start(stack, "offline", ["after_survey"])
    async with line_to(stack.port) as line, opened(browser, line.port, outages=True) as screen:
        await screen.go(f"/x/{execution}")
        await expect(screen["action-approve"]).to_have_attribute("aria-disabled", "false")
        line.cut()
        await screen.lost()
        await expect(screen["action-approve"]).to_contain_text("Approve when connected")
        await look(screen, "look-offline")
        await screen.press("approve")
        await expect(screen.page.get_by_text("This goes out as soon as there is a connection.")).to_be_visible()
        await look(screen, "look-offline-sending")
        await screen.page.get_by_role("button", name="Take it back").click()
        await expect(screen["action-approve"]).to_contain_text("Approve when connected")


async def test_a_connection_that_the_server_has_ended(screen: Screen, stack: Stack) -> None:
    one: Between = await between(screen)
    await screen.go(f"/x/{await start(stack, 'sent away', ['after_survey'])}")
    await one.end(4009, "closed_by_admin")
    await expect(screen.page.get_by_text("The server ended the connection: closed_by_admin.")).to_be_visible()
    await look(screen, "look-closed")
