"""What the page shows when things are not plain: little time, no time, rest, a narrow view of a wide change, keys."""

import json
import re
from collections.abc import AsyncIterator, Sequence

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from tests.support.browser import Screen, opened
from tests.support.demo import decisions, events
from tests.support.market import Way, look, market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack

#: A phone, in both colours and both languages.
PHONE: Sequence[Way] = [(390, "light", ""), (390, "dark", "id")]
#: Presses a button, and its key, in the very moment in which it comes; notes what it said about itself then.
HASTE = """
new MutationObserver((_, observer) => {
  const button = document.querySelector("[data-testid=action-approve]");
  if (!button) return;
  observer.disconnect();
  window.pressed = button.getAttribute("aria-disabled");
  button.click();
  button.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
}).observe(document, { subtree: true, childList: true });
"""


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    """A worker that lets go of what waits at once."""
    async with market(server, QUARTERDECK_HOT_SECONDS="0") as stack:
        yield stack


async def test_a_run_at_rest_says_so(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "at rest", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await expect(screen["run-state"]).to_have_text("Waiting, at rest")
    await expect(screen["inbox"].get_by_role("link", name="at rest").last).to_contain_text("Waiting, at rest")
    await look(screen, "state-parked")
    await screen.page.reload()
    await expect(screen["run-state"]).to_have_text("Waiting, at rest")


async def test_the_time_runs_out_and_no_word_is_lost(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "too late", ["in_time"])
    await screen.go(f"/x/{execution}")
    await expect(screen["left"]).to_contain_text("left")
    await expect(screen.card("in_time")).to_contain_text("When the time is up, the run stops.")
    await screen["note"].fill("I was about to say")
    await expect(screen.card("in_time", state="expired")).to_contain_text("the run was stopped, as its rule says")
    await expect(screen.page.locator(".kept")).to_contain_text("I was about to say")
    await screen.ended("stopped")
    await look(screen, "state-expired")
    assert decisions(stack, execution) == []


async def test_people_get_more_time_and_talk_before_they_decide(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "in good time", ["in_time"])
    await screen.go(f"/x/{execution}")
    await screen["extend"].click()
    await expect(screen["left"]).to_contain_text(re.compile(r"(10:0|9:5)\d left"))
    await screen["note"].fill("Shall we?")
    await screen["comment"].click()
    await expect(screen["note"]).to_have_value("")
    await expect(screen["thread"]).to_contain_text("Shall we?")
    await look(screen, "state-extended")
    await screen.press("approve")
    await screen.ended("completed")
    kinds = [event["type"] for event in events(stack, execution)]
    assert (kinds.count("checkpoint.extended"), kinds.count("checkpoint.commented")) == (1, 1)


async def test_a_fresh_card_takes_nothing_for_half_a_second(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "too quick", ["after_survey"])
    await screen.page.add_init_script(HASTE)
    await screen.go(f"/x/{execution}")
    await expect(screen["action-approve"]).to_have_attribute("aria-disabled", "false")
    assert await screen.page.evaluate("window.pressed") == "true"
    await expect(screen["action-approve"]).to_have_text("ApproveA")
    assert decisions(stack, execution) == []
    await screen.press("approve")
    await screen.ended("completed")
    assert decisions(stack, execution) == [("after_survey", "approve")]


async def test_the_server_decides_and_the_page_only_hopes(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "not yet", ["after_survey"])
    held: list[str | bytes] = []

    def hold(page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        page.on_message(lambda message: held.append(message) if '"decide"' in str(message) else server.send(message))

    await screen.page.route_web_socket("**/ws", hold)
    await screen.go(f"/x/{execution}")
    await expect(screen["action-approve"]).to_have_attribute("aria-disabled", "false")
    await screen.press("approve")
    await expect(screen["action-approve"]).to_contain_text("Sending…")
    assert held
    await look(screen, "state-sending")
    await expect(screen["verdict"]).to_have_count(0)
    await expect(screen.page.get_by_text("You approved")).to_have_count(0)


async def test_a_refusal_is_told_and_the_words_stay(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "refused", ["after_survey"])

    def refuse(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def answer(message: str | bytes) -> None:
            frame = json.loads(message)
            error = {"type": "error", "re": frame.get("id"), "code": "unavailable", "message": "Lost", "retry": True}
            if frame["type"] == "decide":
                page.send(json.dumps(error))
            else:
                server.send(message)

        page.on_message(answer)

    await screen.page.route_web_socket("**/ws", refuse)
    await screen.go(f"/x/{execution}")
    await screen["note"].fill("Kept")
    await screen.press("approve")
    await expect(screen.page.locator(".card [role=alert]")).to_contain_text("cannot reach its storage")
    await expect(screen["note"]).to_have_value("Kept")
    await expect(screen["action-approve"]).to_have_attribute("aria-disabled", "false")
    await look(screen, "state-refused")
    assert decisions(stack, execution) == []


async def test_what_is_typed_while_an_answer_is_on_its_way_is_not_lost(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "on its way", ["after_survey"])
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if json.loads(message)["type"] == "decide":
                held.append((server, message))
            else:
                server.send(message)

        page.on_message(pass_on)

    await screen.page.route_web_socket("**/ws", hold)
    await screen.go(f"/x/{execution}")
    await screen["note"].fill("Well done.")
    await screen.press("approve")
    await expect(screen["action-approve"]).to_contain_text("Sending…")
    await screen["note"].fill("Well done. And greet the others.")
    server, message = held[0]
    server.send(message)
    await screen.ended("completed")
    await expect(screen.page.locator(".kept")).to_contain_text("And greet the others.")
    said = [event["data"]["feedback"] for event in events(stack, execution) if event["type"] == "checkpoint.decided"]
    assert said == ["Well done."]


async def test_on_a_phone_a_question_says_which_run_asks_it(screen: Screen, stack: Stack) -> None:
    here, other = await start(stack, "jam in Bogor", []), await start(stack, "honey in Sumba", ["after_survey"])
    await screen.go(f"/x/{here}")
    bar = screen.page.locator("a.bar", has_text="honey in Sumba")
    async with stack.connect() as client:
        for question in (await client.command("list", what="checkpoints"))["items"]:
            if question["execution"] != other:
                await client.command("cancel", execution=question["execution"])
    await expect(bar).to_have_count(1)
    await look(screen, "bar-of-another-run", PHONE)
    await screen.page.set_viewport_size({"width": 390, "height": 844})
    await bar.click()
    await expect(screen.card("after_survey")).to_be_visible()
    await expect(screen["of-run"]).to_have_text("honey in Sumba")
    await look(screen, "card-of-another-run", PHONE)
    await screen.approve("after_survey")
    await expect(screen.page.locator("a.bar")).to_have_count(0)


async def test_an_edit_of_an_old_draft_is_kept_beside_the_new_one(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "redrafted", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await screen.edit(lambda text: text.replace("hundred", "thousand"))
    async with stack.connect() as other:
        await other.command("watch", execution=execution)
        await other.decide(await other.question(execution, "after_survey"), "revise", feedback="Ask more")
    await expect(screen.card("after_survey", version=2)).to_contain_text("Your edit was made on version 1.")
    await expect(screen.page.locator(".kept")).to_contain_text("thousand people")
    await look(screen, "state-stale")
    await screen.page.get_by_role("button", name="Go on from my edit").click()
    await screen.press("edit")
    await screen.ended("completed")
    await expect(screen["task-survey"].last).to_contain_text("thousand people")


async def test_a_question_is_wider_when_asked_and_its_changes_stand_side_by_side(screen: Screen, stack: Stack) -> None:
    execution = await start(stack, "wide", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await screen.edit(lambda text: text.replace("hundred", "thousand"))
    card = screen.card("after_survey")
    await card.focus()
    await card.press("d")
    await expect(screen["diff"]).to_be_visible()
    await expect(screen["diff-sides"]).to_be_hidden()
    await look(screen, "state-changes")
    await card.focus()
    await card.press("e")
    await expect(screen["expand"]).to_have_attribute("aria-pressed", "true")
    await expect(screen["diff-sides"].locator("section").first).to_contain_text("hundred")
    await expect(screen["diff-sides"].locator("section").last.locator("ins")).to_have_text("thousand")
    await look(screen, "state-wide-changes")
    await screen["tab-edit"].click()
    await expect(screen.page.get_by_role("region", name="Preview")).to_contain_text("thousand people")
    await look(screen, "state-wide-edit")


async def test_everything_that_waits_is_reached_by_keys(screen: Screen, stack: Stack) -> None:
    for topic in ("first by keys", "second by keys"):
        await start(stack, topic, ["after_survey"])
    await screen.go()
    await expect(screen.page).to_have_title(re.compile(r"^\(\d+\) Quarterdeck$"))
    await expect(screen.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("waiting"))
    await screen["input-topic"].blur()
    waiting = screen.page.locator(".waiting a")
    await screen.page.keyboard.press("j")
    await expect(waiting.first).to_be_focused()
    await screen.page.keyboard.press("j")
    await expect(waiting.nth(1)).to_be_focused()
    await screen.page.keyboard.press("k")
    target = await waiting.first.get_attribute("href")
    await screen.page.keyboard.press("Enter")
    await screen.page.wait_for_url(f"**{target}")
    card = screen.page.locator('[data-testid="checkpoint-card"][data-state="open"]')
    await expect(card).to_be_focused()
    await expect(screen["action-approve"]).to_have_attribute("aria-disabled", "false")
    await screen.page.keyboard.press("a")
    await expect(screen["verdict"].first).to_contain_text("You approved")
    await expect(
        screen.page.get_by_role("status").filter(has_text="You approved “Is the survey right?”")
    ).to_be_attached()
    await screen.page.keyboard.press("g")
    await screen.page.keyboard.press("i")
    await screen.page.wait_for_url(f"{screen.origin}/")


async def test_the_keys_are_told_and_can_be_switched_off(screen: Screen, stack: Stack) -> None:
    await start(stack, "no keys", ["after_survey"])
    await screen.go()
    await screen["input-topic"].blur()
    await screen.page.keyboard.press("Shift+?")
    await expect(screen["keys"]).to_be_visible()
    await look(screen, "state-keys")
    await screen["keys-on"].uncheck()
    await screen.page.keyboard.press("Escape")
    await expect(screen["keys"]).to_have_count(0)
    await screen.page.keyboard.press("j")
    await expect(screen.page.locator(".waiting a:focus")).to_have_count(0)
    await screen["help"].click()
    await screen["keys-on"].check()
    await screen["keys"].get_by_role("button", name="Close").click()
    await screen.page.keyboard.press("j")
    await expect(screen.page.locator(".waiting a:focus")).to_have_count(1)


async def test_the_page_speaks_indonesian(stack: Stack, browser: Browser) -> None:
    execution = await start(stack, "dalam bahasa", ["after_survey"])
    async with opened(browser, stack.port) as screen:
        await screen.page.add_init_script("localStorage.setItem('quarterdeck.language', 'id')")
        await screen.go(f"/x/{execution}")
        await expect(screen["action-approve"]).to_contain_text("Setujui")
        await expect(screen["run-state"]).to_have_text("Menunggu, diistirahatkan")
        await look(screen, "state-indonesian")
        await screen.press("approve")
        await expect(screen["verdict"]).to_contain_text("Anda menyetujui")
        await screen.ended("completed")
        await look(screen, "state-indonesian-result")
        await screen.page.locator(".preferences select").last.select_option("en")
        await expect(screen["verdict"]).to_contain_text("You approved")
        await expect(screen["result"].get_by_text("As a table")).to_be_visible()
