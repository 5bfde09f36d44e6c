"""People see at the page what a run costs: while it runs, in its questions, and in the end, in their language."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.support.between import between
from tests.support.browser import Screen
from tests.support.client import Frame
from tests.support.market import look, market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack

PRICES = '[prices]\n"gpt-4o-mini" = { input = 300, output = 1200 }\n'


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    async with market(server, prices=PRICES) as stack:
        yield stack


async def test_a_run_shows_what_it_costs(screen: Screen, stack: Stack) -> None:
    """A call of 11 and 7 tokens costs 0.0117 dollars, and there are two."""
    execution = await start(stack, "tea", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await expect(screen["cost"]).to_have_text("$0.0117")
    await expect(screen.card("after_survey")).to_contain_text("Cost $0.0117", use_inner_text=True)
    await look(screen, "cost")
    await screen.approve("after_survey")
    await screen.ended("completed")
    await expect(screen["cost"]).to_have_text("$0.0234")
    await expect(screen["result-cost"]).to_have_text("$0.0234")
    lanes = screen["timeline"].get_by_role("listitem")
    await expect(lanes.first).to_contain_text("18 tokens, $0.0117")
    await expect(lanes.first).to_contain_text("18$0.0117")
    await lanes.first.scroll_into_view_if_needed()
    await look(screen, "cost-result")
    await screen.page.locator('select:has(option[value="id"])').select_option("id")
    await expect(screen["cost"]).to_have_text("US$0,0234")
    await expect(lanes.first).to_contain_text("18 token, US$0,0117")


async def test_a_cost_that_is_not_all_says_so_and_none_is_shown_where_it_is_unknown(
    screen: Screen, stack: Stack
) -> None:
    """On the way to the page the second task's call, or every call, loses its price."""
    priced = {"survey"}

    def forget(frame: Frame) -> Frame:
        data = frame.get("data") or {}
        if frame["type"] in ("llm.completed", "task.completed") and data["task"] not in priced:
            data["usage"].pop("cost")
        elif frame["type"] == "execution.completed":
            first = {"amount": "0.0117", "currency": "USD", "unpriced": 1}
            data["usage"] = {**data["usage"], "cost": first} if priced else {"total_tokens": 36, "calls": 2}
        return frame

    execution = await start(stack, "kopi", [])
    await between(screen, heard=forget)
    await screen.go(f"/x/{execution}")
    await expect(screen["cost"]).to_have_text("at least $0.0117")
    await expect(screen["result-cost"]).to_have_text("at least $0.0117")
    priced.clear()
    await screen.go(f"/x/{execution}")
    await expect(screen["timeline"]).to_contain_text("18 tokens")
    await expect(screen["result"]).to_be_visible()
    await expect(screen.page.get_by_text("$")).to_have_count(0)
