"""People answer every form of question at the page, in a real browser: calls, words, forms, outcomes, lost results."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.browser import Screen
from tests.support.demo import decisions, events
from tests.support.market import SPOKEN, look
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.stack import Stack, installed
from tests.support.waiting import wait_until

#: A worker that died is missed after some seconds; loading crewai takes some more.
TAKEOVER = 60_000


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    """A web process and a worker with crews that ask in every form."""
    with installed(server.url, settings={"QUARTERDECK_CREWS": "courier=courier:crew,review=letter:Review"}) as stack:
        await stack.mend()
        yield stack


async def begin(screen: Screen, stack: Stack, crew: str, **inputs: str) -> None:
    """Start a run and open its page."""
    async with stack.connect() as client:
        started = await client.command("start", crew=crew, inputs=inputs, title=inputs.get("topic", crew))
    await screen.go(f"/x/{started['execution']}")


def says(server: OpenAIServer, topic: str, *calls: Call) -> None:
    """Have the model call tools one after the other, and then hand in a quote."""
    server.reply(f"do send for {topic}", *[Reply(calls=[call]) for call in calls], "It is sent.")
    server.reply(f"do quote for {topic}", '{"price": 12, "currency": "EUR"}')


async def show(screen: Screen, name: str) -> None:
    """Look at the page in light and dark, on a desk and on a phone, and see that everybody can use it."""
    await look(screen, f"question-{name}", SPOKEN)


def outputs(stack: Stack, screen: Screen, type_: str) -> list[dict[str, Any]]:
    return [event["data"] for event in events(stack, screen.execution) if event["type"] == type_]


async def test_a_call_is_made_with_other_arguments_and_typed_output_is_edited(
    screen: Screen, stack: Stack, server: OpenAIServer
) -> None:
    says(server, "tea", Call("deliver", {"what": "tea", "to": "Rara"}))
    await begin(screen, stack, "courier", topic="tea")
    await expect(screen.card("tool:deliver")).to_contain_text('"to": "Rara"')
    await expect(screen["action-approve"]).to_contain_text("Run it")
    await show(screen, "tool")
    await screen.edit(lambda _: '{"what": "tea", ')
    await screen.press("edit")
    await expect(screen["problem-arguments"]).to_contain_text("must be JSON")
    await screen["editor"].fill('{"what": "tea"}')
    await screen.press("edit")
    await expect(screen.page.locator(".misfits")).to_contain_text("'to' is a required property")
    await expect(screen["editor"]).to_have_value('{"what": "tea"}')
    await show(screen, "tool-misfit")
    await screen["editor"].fill('{"what": "tea", "to": "Dimas"}')
    await screen.press("edit")
    await expect(screen["verdict"]).to_contain_text("You allowed “Run deliver?” with other arguments")
    await expect(screen.card("after_quote")).to_contain_text('"price": 12')
    assert outputs(stack, screen, "tool.completed")[0]["result"] == "delivered tea to Dimas"
    await screen.edit(lambda text: text.replace("12", '"dear"'))
    await screen.press("edit")
    await expect(screen["problem-price"]).to_contain_text("is not of type 'integer'")
    await show(screen, "typed-draft")
    await screen["editor"].fill('{"price": 9, "currency": "EUR"}')
    await screen.press("edit")
    await screen.ended("completed")
    assert outputs(stack, screen, "execution.completed")[0]["output_json"] == {"price": 9, "currency": "EUR"}


async def test_a_refused_call_tells_the_agent_why(screen: Screen, stack: Stack, server: OpenAIServer) -> None:
    says(server, "salt", Call("deliver", {"what": "salt", "to": "Rara"}))
    await begin(screen, stack, "courier", topic="salt")
    await expect(screen.card("tool:deliver")).to_be_visible()
    await screen.press("reject")
    await expect(screen.page.locator(".card [role=alert]")).to_contain_text("Say to the agent why not")
    await screen["note"].fill("Rara has salt")
    await screen.press("reject")
    await expect(screen.card("after_quote")).to_be_visible()
    assert any("Rara has salt" in prompt for prompt in server.prompts("do send for salt"))


async def test_a_call_that_failed_is_asked_about_again_and_each_try_is_shown(
    screen: Screen, stack: Stack, server: OpenAIServer
) -> None:
    lost = Call("deliver", {"what": "rice", "to": "Nobody"})
    says(server, "rice", lost, lost)
    await begin(screen, stack, "courier", topic="rice")
    tries = screen.page.locator(".thread .tool")
    for number in (1, 2):
        await expect(screen.card("tool:deliver")).to_be_visible()
        await expect(tries).to_have_count(number - 1)
        if number == 2:
            await screen.edit(lambda _: '{"what": "rice", "to": "Rara"}')
        await screen.press("approve" if number == 1 else "edit")
    await expect(screen.card("after_quote")).to_be_visible()
    await expect(tries).to_have_count(2)
    await expect(tries.first).to_have_attribute("data-state", "failed")
    await expect(tries.last).to_have_attribute("data-state", "done")
    await tries.first.locator("summary").click()
    await expect(tries.first).to_contain_text("Nobody does not live here")
    await show(screen, "tool-tries")
    assert [data["result"] for data in outputs(stack, screen, "tool.completed")] == ["delivered rice to Rara"]


async def test_an_agent_asks_in_words_and_by_a_form(screen: Screen, stack: Stack, server: OpenAIServer) -> None:
    asked = [Call("ask_human", {"question": "Where to?"}), Call("ask_parcel", {"question": "Which parcel is it?"})]
    says(server, "pepper", *asked)
    await begin(screen, stack, "courier", topic="pepper")
    await expect(screen.card("ask_human")).to_contain_text("Where to?")
    await screen.press("respond")
    await expect(screen.page.locator(".card [role=alert]")).to_contain_text("Write your answer first")
    await show(screen, "ask")
    await screen["note"].fill("To Bandung,\nby train")
    await screen.press("respond")
    await expect(screen.card("ask_parcel")).to_be_visible()
    await expect(screen["verdict"]).to_contain_text("To Bandung,\nby train", use_inner_text=True)
    assert any("To Bandung,\nby train" in prompt for prompt in server.prompts("do send for pepper"))
    await screen["input-weight"].fill("0")
    await screen["input-speed"].select_option("fast")
    await screen["input-fragile"].check()
    await screen.press("respond")
    await expect(screen.page.locator("#input-weight-problem")).to_contain_text("less than the minimum of 1")
    await expect(screen.page.locator(".card > .error")).to_have_text("Some of it does not fit: see above")
    await expect(screen["input-speed"]).to_have_value("fast")
    await expect(screen["input-weight"]).to_be_focused()
    await show(screen, "ask-form")
    await screen.page.reload()
    await expect(screen["input-weight"]).to_have_value("0")
    await screen["input-weight"].fill("250")
    await screen.press("respond")
    await expect(screen.card("after_quote")).to_be_visible()
    answer = next(d for d in outputs(stack, screen, "checkpoint.decided") if d["name"] == "ask_parcel")
    assert answer["response"] == {"weight": 250, "speed": "fast", "fragile": True}


async def test_an_outcome_of_a_flow_is_pressed(screen: Screen, stack: Stack) -> None:
    await begin(screen, stack, "review")
    await expect(screen.card("letter")).to_contain_text("Shall it go out?")
    buttons = await screen.page.locator(".card .actions button > span").all_inner_texts()
    assert buttons == ["Send it", "Too long", "Answer in words", "Stop run"]
    await show(screen, "flow")
    await screen["note"].fill("Half of it")
    await screen.press("outcome:too_long")
    await screen.ended("completed")
    await expect(screen["verdict"]).to_contain_text("You chose “Too long”")
    await expect(screen["result"]).to_contain_text("It was shortened.")
    assert decisions(stack, screen.execution) == [("letter", "outcome:too_long")]


async def test_a_run_is_paused_and_goes_on(screen: Screen, stack: Stack, server: OpenAIServer) -> None:
    says(server, "honey", Call("ask_human", {"question": "Where to?"}))
    await begin(screen, stack, "courier", topic="honey")
    await expect(screen.card("ask_human")).to_be_visible()
    await screen["run-pause"].click()
    await screen.ended("paused")
    await show(screen, "paused")
    await screen["run-resume"].click()
    await screen.ended("waiting")
    await screen["note"].fill("Home")
    await screen.press("respond")
    await expect(screen.card("after_quote")).to_be_visible()
    await expect(screen["thread"]).to_contain_text("The run goes on.")


async def test_the_lost_result_of_a_tool_is_told(screen: Screen, stack: Stack, server: OpenAIServer) -> None:
    says(server, "rice", Call("weigh", {"what": "rice"}))
    await begin(screen, stack, "courier", topic="rice")
    worker = stack.workers[0]
    await wait_until(lambda: not worker.alive, description="the worker has died", timeout=30)
    await stack.mend()
    await expect(screen.card("recovery:weigh")).to_contain_text("It may have had its effect", timeout=TAKEOVER)
    await screen.press("edit")
    await expect(screen.page.locator(".card [role=alert]")).to_contain_text("Fill this in")
    await show(screen, "recovery")
    await screen["result-text"].fill("250 g")
    await screen.press("edit")
    await expect(screen.card("after_quote")).to_be_visible()
    decided = outputs(stack, screen, "checkpoint.decided")[0]
    assert (decided["name"], decided["action"]) == ("recovery:weigh", "edit")
    assert any("250 g" in json.dumps(prompt) for prompt in server.prompts("do send for rice"))
