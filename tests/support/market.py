"""Runs of the crew `market` on a whole installation, and what its model says."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import expect

from tests.support.browser import Screen
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack, installed

SURVEY = "# Survey\n\nWe asked a hundred people.\n\nExpected: 62% positive, 25% neutral, 13% negative."
REPORT = (
    "# Report\n\nWhat sells best:\n\n```bars\nCold brew | 84\nLatte art | 31.5\n```\n\n"
    "| Mood | Share |\n|---|---|\n| Positive | 62% |\n| Negative | 38% |\n\n"
    "| City | Shops |\n|---|---|\n| Bandung | 12 |\n"
)

#: Goes to the card, where there is one that has no room beside the run.
TO_CARD = """
(() => {
  const card = document.querySelector(".desk [data-checkpoint]");
  if (!card || card.checkVisibility()) return false;
  history.pushState(null, "", `${location.pathname}/c/${card.dataset.checkpoint}`);
  dispatchEvent(new PopStateEvent("popstate"));
  return true;
})()
"""
#: Chooses a language, even where a narrow screen has no room for the choice.
SPEAK = """
language => {
  const choice = document.querySelector(`.preferences select:has([value=${language}])`);
  if (!choice || choice.value === language) return;
  choice.value = language;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
}
"""
#: A width of the screen, light or dark, a language of the page; without one as it is.
Way = tuple[int, str, str]
PLAIN: Sequence[Way] = [(width, mode, "") for width in (1440, 390) for mode in ("light", "dark")]
#: The same, and on a phone, where words have the least room, in the language that needs more of it.
SPOKEN: Sequence[Way] = [*PLAIN[:3], (390, "dark", "id")]


@asynccontextmanager
async def market(server: OpenAIServer, *, prices: str = "", **settings: str) -> AsyncIterator[Stack]:
    """Run a web process and a worker with the crew; `prices` is a file's text."""
    server.reply("do survey about", SURVEY)
    server.reply("do report about", REPORT)
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(prices)
        file.flush()
        priced = {"QUARTERDECK_PRICES": file.name} if prices else {}
        with installed(server.url, settings={"QUARTERDECK_CREWS": "market=market:crew", **priced, **settings}) as stack:
            await stack.mend()
            yield stack


async def start(stack: Stack, topic: str, checkpoints: list[str], **more: str) -> str:
    """Start a run without the page, and give its id."""
    inputs = {"topic": topic, "output_language": "English"}
    async with stack.connect() as client:
        started = await client.command("start", crew="market", inputs=inputs, checkpoints=checkpoints, **more)
        execution = str(started["execution"])
        if checkpoints:
            await client.question(execution, checkpoints[0])
        else:
            await client.end(execution)
    return execution


async def speak(screen: Screen, language: str) -> None:
    """Have the page speak a language."""
    await screen.page.evaluate(SPEAK, language)
    await expect(screen.page.locator("html")).to_have_attribute("lang", language)


async def look(screen: Screen, name: str, ways: Sequence[Way] = PLAIN) -> None:
    """See that everybody can use what the page shows: in light and dark, on a desk and on a phone; keep pictures."""
    found = []
    spoken = await screen.page.locator("html").get_attribute("lang") or "en"
    for width in (1440, 390):
        await screen.page.set_viewport_size({"width": width, "height": 900 if width > 720 else 844})
        moved = await screen.page.evaluate(TO_CARD)
        for mode, language in (way[1:] for way in ways if way[0] == width):
            await screen.page.emulate_media(color_scheme="dark" if mode == "dark" else "light")
            await speak(screen, language or spoken)
            way = f"{mode}-{width}-{language}".rstrip("-")
            await screen.keep(f"{name}-{way}")
            found += [f"{way}: {problem}" for problem in await screen.accessibility()]
            if await screen.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{way}: wider than the screen")
        if moved:
            await screen.page.go_back()
    await screen.page.emulate_media(color_scheme="light")
    await speak(screen, spoken)
    await screen.page.set_viewport_size({"width": 1440, "height": 900})
    assert not found, "\n".join([name, *found])
