"""A very long run: the page shows all of it, in order, and keeps its reader at the newest text.

How long the page takes over it is measured by `python -m tests.benchmarks page`.
"""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.long_run import AT_END, EVENTS, PIECES, stream, untended, until
from tests.support.market import market
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    with OpenAIServer() as server:
        async with market(server) as stack:
            yield stack


async def test_five_thousand_events_are_shown_as_they_stream_in(stack: Stack, browser: Browser) -> None:
    async with untended(stack, browser) as (store, execution, screen):
        await screen.go(f"/x/{execution}")
        await expect(screen["task-survey"]).to_be_visible()
        await stream(store, execution)
        entries = screen["thread"].locator(".entry")
        await expect(entries).to_have_count(EVENTS // 2 + 1, timeout=60_000)
        await expect(entries.first).to_contain_text(f"word {PIECES - 1}")
        await until(screen, AT_END)
        done = await screen.page.evaluate("document.querySelectorAll('.entry.tool[data-state=done]').length")
        assert done == EVENTS // 2
