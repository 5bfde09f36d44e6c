#!/usr/bin/env python3
"""Take the README's pictures: .ci/screenshot.py [http://127.0.0.1:8000], with `make run` running.

It starts the demo crew, waits until the plan is there to be judged, and takes it in light, in dark and on a phone; then
it approves everything and takes the result. The pictures go to .github/quarterdeck*.png.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / ".github"
CHECKPOINTS = ["after_planning"]
START = {
    "crew": "content",
    "inputs": {"user_input": "Ramadan campaign for a coffee brand, 3 creators", "output_language": "English"},
    "checkpoints": CHECKPOINTS,
}
DESK, PHONE = ViewportSize(width=1280, height=840), ViewportSize(width=390, height=844)
#: The crew writes for some seconds, in milliseconds.
LIMIT = 60_000


def start(server: str) -> str:
    """Start the demo crew and give the execution's id."""
    body = json.dumps(START).encode()
    with urllib.request.urlopen(f"{server}/api/v1/executions", data=body) as reply:
        return str(json.load(reply)["execution"])


def take(page: Page, name: str) -> None:
    """Take a picture once the fonts are there."""
    page.wait_for_function("document.querySelector('link[data-letters]').media === 'all'")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.screenshot(path=PICTURES / f"{name}.png")


def question(page: Page) -> None:
    """Take the question: in light, in dark, and on a phone."""
    page.locator("button[aria-disabled=false]", has_text="Approve").wait_for(timeout=LIMIT)
    page.locator(".sheet").evaluate("sheet => sheet.scrollTo(0, 0)")
    take(page, "quarterdeck")
    page.emulate_media(color_scheme="dark")
    take(page, "quarterdeck-dark")
    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="Review").click()
    take(page, "quarterdeck-phone")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESK)


def result(page: Page) -> None:
    """Approve, and take what the crew hands in."""
    page.locator("button[aria-disabled=false]", has_text="Approve").click()
    page.get_by_test_id("result").wait_for(timeout=LIMIT)
    page.get_by_test_id("chart-bars").first.scroll_into_view_if_needed()
    take(page, "quarterdeck-result")


def main(server: str = "http://127.0.0.1:8000") -> None:
    """Take all pictures with the Chromium that the tests use."""
    chromium = subprocess.run([ROOT / ".ci" / "chromium"], check=True, capture_output=True, text=True).stdout.strip()
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport=DESK, color_scheme="light", locale="en", reduced_motion="reduce")
        page.goto(f"{server.rstrip('/')}/x/{start(server.rstrip('/'))}")
        question(page)
        result(page)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
