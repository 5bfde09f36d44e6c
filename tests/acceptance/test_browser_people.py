"""Several people at one question: they see one another, and who said what."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import Screen, line_to, opened
from tests.support.market import look, market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    async with market(server) as stack:
        yield stack


async def test_people_see_who_else_looks_and_who_edits(screen: Screen, stack: Stack, browser: Browser) -> None:
    execution = await start(stack, "seen by two", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await expect(screen.card("after_survey")).to_be_visible()
    await expect(screen["viewers"]).to_be_empty()
    async with opened(browser, stack.port) as other:
        await other.go(f"/x/{execution}")
        for one in (screen, other):
            await expect(one["viewers"]).to_contain_text("Somebody is looking")
        await other["note"].fill("Is a hundred enough?")
        await expect(screen["viewers"]).to_contain_text("Somebody is editing")
        await expect(other["viewers"]).to_contain_text("Somebody is looking")
        async with opened(browser, stack.port) as third:
            await third.go(f"/x/{execution}")
            await expect(screen["viewers"]).to_contain_text("Somebody is editing · Somebody is looking")
            await look(screen, "people-there")
            await third["note"].fill("Or two hundred")
            await expect(screen["viewers"]).to_contain_text("2 others are editing")
        await expect(screen["viewers"]).to_contain_text("Somebody is editing")
        await other.go()
        await expect(screen["viewers"]).to_be_empty()


async def test_who_lost_the_connection_is_gone_and_then_there_again(
    screen: Screen, stack: Stack, browser: Browser
) -> None:
    execution = await start(stack, "seen again", ["after_survey"])
    await screen.go(f"/x/{execution}")
    async with line_to(stack.port) as line, opened(browser, line.port, outages=True) as other:
        await other.go(f"/x/{execution}")
        await expect(screen["viewers"]).to_contain_text("Somebody is looking")
        line.cut()
        await expect(screen["viewers"]).to_be_empty()
        line.mend()
        await other.online()
        await expect(screen["viewers"]).to_contain_text("Somebody is looking")


async def test_ones_own_words_are_ones_own_and_others_are_somebodys(
    screen: Screen, stack: Stack, browser: Browser
) -> None:
    execution = await start(stack, "talked about", ["after_survey"])
    async with opened(browser, stack.port) as other:
        for one, words in ((screen, "Shall we?"), (other, "We shall.")):
            await one.go(f"/x/{execution}")
            await one["note"].fill(words)
            await one["comment"].click()
            await expect(one["note"]).to_have_value("")
        await expect(screen["said-there"]).to_have_text(["You Shall we?", "Somebody We shall."])
        await expect(other["said-there"]).to_have_text(["Somebody Shall we?", "You We shall."])
        await screen.page.reload()
        await expect(screen["said-there"]).to_have_text(["You Shall we?", "Somebody We shall."])
