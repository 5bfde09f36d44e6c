"""People talk with a crew at the page: one message after another, other answers to old questions, runs taken along."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.browser import Screen
from tests.support.demo import decisions, events
from tests.support.market import REPORT, SURVEY, look, market, start
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    async with market(server) as stack:
        yield stack


async def begin(screen: Screen, topic: str) -> str:
    """Start a run from the form, without a question, and see its end."""
    await screen.go()
    await screen["input-topic"].fill(topic)
    for name in ("in_time", "after_survey", "after_report"):
        await screen[f"checkpoint-{name}"].uncheck()
    await screen["start-submit"].click()
    await screen.page.wait_for_url("**/x/*")
    await screen.ended("completed")
    return screen.execution


def queued(stack: Stack, execution: str) -> dict[str, object]:
    found: dict[str, object] = events(stack, execution)[0]["data"]
    return found


async def test_a_message_goes_on_with_the_conversation(screen: Screen, stack: Stack, server: OpenAIServer) -> None:
    first = await begin(screen, "coffee in Bandung")
    await expect(screen["follow-up"].get_by_label("Output language")).to_have_value("English")
    await screen["follow-up-send"].click()
    await expect(screen["follow-up"].get_by_role("alert")).to_have_text("Fill this in")
    await screen["follow-up-text"].fill("And tea, what about tea?")
    await screen["follow-up"].get_by_label("Output language").fill("Bahasa Indonesia")
    await screen.page.reload()
    await expect(screen["follow-up-text"]).to_have_value("And tea, what about tea?")
    await screen["follow-up-text"].press("Control+Enter")
    await screen.page.wait_for_url(lambda url: first not in url)
    await screen.ended("completed")
    assert any("do survey about And tea, what about tea? in Bahasa Indonesia" in p for p in server.prompts("And tea"))
    kept = [queued(stack, execution) for execution in (first, screen.execution)]
    assert str(kept[0]["conversation"]).startswith("cv_")
    assert kept[0]["conversation"] == kept[1]["conversation"]
    await expect(screen["talk.before"].get_by_role("link")).to_have_text("coffee in Bandung Completed")
    await look(screen, "talk-follow-up")
    talk = screen["inbox"].get_by_role("link", name="coffee in Bandung")
    await expect(talk).to_have_count(1)
    await expect(talk).to_contain_text("2 runs")
    await expect(talk).to_have_attribute("aria-current", "page")
    await screen["talk.before"].get_by_role("link").click()
    await expect(screen["talk.after"].get_by_role("link")).to_have_text("And tea, what about tea? Completed")
    await expect(screen["follow-up"]).to_have_count(0)


async def test_a_search_finds_conversations_and_what_waits(screen: Screen, stack: Stack) -> None:
    await start(stack, "sought after", ["after_survey"])
    await start(stack, "left alone", [])
    await screen.go()
    await expect(screen["inbox"].get_by_role("link", name="left alone")).to_be_visible()
    await screen["input-topic"].blur()
    await screen.page.keyboard.press("/")
    await expect(screen["search"]).to_be_focused()
    await screen.page.keyboard.type("AFTER sought")
    await expect(screen["inbox"].get_by_role("link", name="left alone")).to_have_count(0)
    await expect(screen["inbox"].get_by_role("link", name="sought after")).to_have_count(2)
    await screen["search"].fill("nowhere to be found")
    await expect(screen["inbox"].get_by_text("Nothing found.")).to_have_count(2)
    await look(screen, "talk-search")
    await screen["search"].press("Escape")
    await expect(screen["inbox"].get_by_role("link", name="left alone")).to_be_visible()


async def test_a_run_is_taken_along_as_markdown_and_as_json(screen: Screen, stack: Stack, tmp_path: Path) -> None:
    execution = await start(stack, "taken along", ["after_survey"])
    await screen.go(f"/x/{execution}")
    await screen["note"].fill("As I thought")
    await screen.approve("after_survey")
    await screen.ended("completed")
    texts = {}
    for kind in ("md", "json"):
        async with screen.page.expect_download() as download:
            await screen[f"export-{kind}"].click()
        file = await download.value
        assert file.suggested_filename == f"{execution}.{kind}"
        await file.save_as(tmp_path / kind)
        texts[kind] = (tmp_path / kind).read_text()
    order = [
        "# taken along",
        "- **topic**: taken along",
        SURVEY,
        "**You approved",
        "> As I thought",
        "## Result",
        REPORT.strip(),
    ]
    places = [texts["md"].find(part) for part in order]
    assert -1 not in places, texts["md"]
    assert places == sorted(places), texts["md"]
    data = json.loads(texts["json"])
    assert data["execution"]["id"] == execution
    assert data["execution"]["output"].strip() == REPORT.strip()
    assert [asked["name"] for asked in data["checkpoints"]] == ["after_survey"]


async def test_another_answer_to_an_old_question_begins_another_run(screen: Screen, stack: Stack) -> None:
    original = await start(stack, "twice", ["after_survey"])
    await screen.go(f"/x/{original}")
    await screen.approve("after_survey")
    await screen.ended("completed")
    await screen["look-again"].click()
    await expect(screen.card("after_survey", state="decided")).to_be_focused()
    await look(screen, "talk-decided")
    await screen["again"].click()
    await expect(screen.card("after_survey", state="again")).to_contain_text("A new run begins here")
    await expect(screen["action-stop"]).to_have_count(0)
    await screen.edit(lambda text: text.replace("hundred", "thousand"))
    await look(screen, "talk-again")
    await screen.press("edit")
    await screen.page.wait_for_url(lambda url: original not in url)
    await screen.ended("completed")
    assert decisions(stack, screen.execution) == [("after_survey", "edit")]
    assert decisions(stack, original) == [("after_survey", "approve")]
    await expect(screen["verdict"]).to_contain_text("You approved “Is the survey right?” with edits")
    await expect(screen["task-survey"]).to_contain_text("thousand people")
    await expect(screen["forked-from"]).to_have_text("Begun from “twice”, with another answer")
    await screen["forked-from"].get_by_role("link").click()
    await expect(screen.card("after_survey", state="decided")).to_be_visible()
    assert screen.execution == original


async def test_numbers_are_drawn_and_a_task_s_file_is_a_link(screen: Screen, stack: Stack, tmp_path: Path) -> None:
    execution = await start(stack, "in numbers", [])
    await screen.go(f"/x/{execution}")
    result = screen["result"]
    await expect(result.get_by_role("img", name="Bars: 2 values")).to_be_visible()
    await expect(result.get_by_role("img", name="Shares of a whole: 2 parts")).to_be_visible()
    await expect(screen["task-survey"].get_by_role("img", name="Shares of a whole: 3 parts")).to_be_visible()
    await result.get_by_text("As a table").click()
    await expect(result.get_by_role("row", name="Latte art 31.5")).to_be_visible()
    region = result.get_by_role("group", name="Table: City, Shops")
    await region.focus()
    await expect(region).to_be_focused()
    await look(screen, "talk-charts")
    await screen["timeline"].get_by_role("link", name="Survey").click()
    await expect(screen["task-survey"].get_by_text("Survey", exact=True).last).to_be_in_viewport()
    await expect(screen["timeline"].get_by_role("listitem").first).to_contain_text("18 tokens")
    async with screen.page.expect_download() as download:
        await screen["file"].click()
    file = await download.value
    await file.save_as(tmp_path / "file")
    assert (tmp_path / "file").read_text().strip() == REPORT.strip()
