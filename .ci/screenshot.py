#!/usr/bin/env python3
"""Take the README's picture of a checkpoint: .ci/screenshot.py [http://127.0.0.1:8000], with `make run` running.

It starts the demo crew, waits until the plan is there to be judged, and writes .github/quarterdeck.png.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / ".github" / "quarterdeck.png"
START = {
    "crew": "content",
    "inputs": {"user_input": "Ramadan campaign for a coffee brand, 3 creators", "output_language": "English"},
    "checkpoints": ["after_planning"],
}


def start(server: str) -> str:
    """Start the demo crew and give the execution's id."""
    body = json.dumps(START).encode()
    with urllib.request.urlopen(f"{server}/api/v1/executions", data=body) as reply:
        return str(json.load(reply)["execution"])


def take(page: Page, server: str) -> None:
    """Open the execution's page, wait for the buttons of its checkpoint, and take the picture."""
    page.goto(f"{server}/x/{start(server)}")
    page.locator("button[aria-disabled=false]", has_text="Approve").wait_for(timeout=60_000)
    page.wait_for_function("document.fonts.status === 'loaded'")
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)


def main(server: str = "http://127.0.0.1:8000") -> None:
    """Take the picture with the Chromium that the tests use."""
    chromium = subprocess.run([ROOT / ".ci" / "chromium"], check=True, capture_output=True, text=True).stdout.strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1280, "height": 840}, color_scheme="light", locale="en")
        take(page, server.rstrip("/"))
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
