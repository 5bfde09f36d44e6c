"""The page where people have roles: what is somebody else's to do is shown, to be read, and not offered."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import Screen, opened
from tests.support.client import Frame
from tests.support.market import look, market
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack
from tests.support.tokens import AUTH, token

INPUTS = {"topic": "kopi", "output_language": "English"}
OKA: dict[str, Any] = {"sub": "oka", "name": "Oka", "roles": ["operator"]}
RARA: dict[str, Any] = {"sub": "rara", "name": "Rara", "roles": ["operator"]}


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    async with market(server, **AUTH) as stack:
        yield stack


@asynccontextmanager
async def seen_by(browser: Browser, stack: Stack, sub: str, *roles: str) -> AsyncIterator[Screen]:
    """Give somebody with these roles a browser."""
    async with opened(browser, stack.port) as screen:
        secret = json.dumps(token(sub=sub, name=sub.title(), roles=list(roles)))
        await screen.page.add_init_script(f"sessionStorage.setItem('quarterdeck.token', {secret})")
        yield screen


async def asked(stack: Stack, title: str, who: dict[str, Any] = OKA) -> Frame:
    """Have Oka, or somebody else, start a crew that asks."""
    async with stack.connect() as client:
        await client.command("auth", token=token(**who))
        started = await client.command("start", crew="market", inputs=INPUTS, title=title, checkpoints=["after_survey"])
        return await client.question(started["execution"], "after_survey")


async def test_who_may_only_read_is_told_who_decides(stack: Stack, browser: Browser) -> None:
    question = await asked(stack, "read by Vera")
    path = f"/x/{question['execution']}/c/{question['id']}"
    async with seen_by(browser, stack, "vera", "viewer") as vera, seen_by(browser, stack, "adi", "approver") as adi:
        await vera.go(path)
        card = vera.card("after_survey", state="not-yours")
        await expect(card).to_contain_text("Approvers, admins and Oka, who began the run, decide here.")
        await expect(card.get_by_role("button")).to_have_count(0)
        for name in ("note", "tab-edit", "run-cancel", "run-pause"):
            await expect(vera[name]).to_have_count(0)
        await expect(vera.page).to_have_title("read by Vera · Quarterdeck")
        await vera.page.keyboard.press("a")
        await look(vera, "state-not-yours")
        await adi.go(path)
        await expect(vera["viewers"]).to_contain_text("Adi is looking")
        await expect(adi["run-cancel"]).to_have_count(0)
        await adi.approve("after_survey")
        await vera.ended("completed")
        await expect(vera["result"]).to_be_visible()
        for one in (vera, adi):
            await expect(one["follow-up"]).to_have_count(0)
            await one.go(path)
            await expect(one.card("after_survey", state="decided")).to_be_visible()
            await expect(one["again"]).to_have_count(0)


async def test_an_operator_answers_what_is_their_own_and_nothing_else(stack: Stack, browser: Browser) -> None:
    question = await asked(stack, "begun by Oka")
    path = f"/x/{question['execution']}/c/{question['id']}"
    async with seen_by(browser, stack, "rara", "operator") as rara, seen_by(browser, stack, "oka", "operator") as oka:
        await rara.go(path)
        await expect(rara.card("after_survey", state="not-yours")).to_be_visible()
        await rara.go()
        await expect(rara["start-form"]).to_be_visible()
        await oka.go(path)
        await expect(oka.page).to_have_title("(1) begun by Oka · Quarterdeck")
        theirs = await asked(stack, "begun by Rara", RARA)
        await expect(oka["inbox"].get_by_text("begun by Rara").first).to_be_visible()
        await oka.approve("after_survey")
        await oka.ended("completed")
        await expect(oka["follow-up"]).to_be_visible()
        await expect(oka.page.get_by_text("1 more waits for you.")).to_have_count(0)
        await rara.go(f"/x/{theirs['execution']}/c/{theirs['id']}")
        await rara.approve("after_survey")


async def test_who_may_start_nothing_is_told_so_instead_of_a_form(stack: Stack, browser: Browser) -> None:
    async with seen_by(browser, stack, "vera", "viewer") as vera:
        await vera.go()
        await expect(vera["reader"]).to_contain_text("takes the role operator or admin")
        await expect(vera["start-form"]).to_have_count(0)
        await look(vera, "start-not-yours")
