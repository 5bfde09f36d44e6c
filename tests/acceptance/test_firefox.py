"""The main path in Firefox: start, text that streams in, the palette, decisions by a key, the result.

Collected where Firefox is found; see conftest.py.
"""

from collections.abc import AsyncIterator

import pytest

from tests.support.demo import BRIEF, CHECKPOINTS, SETTINGS, decisions
from tests.support.firefox import Firefox, find_firefox, firefox
from tests.support.stack import Stack, installed

CARD = '[data-testid="checkpoint-card"][data-state="open"]'


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """A web process and a worker with the demo crew."""
    with installed("", settings=SETTINGS) as stack:
        await stack.mend()
        yield stack


@pytest.fixture
async def fox() -> AsyncIterator[Firefox]:
    program = find_firefox()
    assert program, "this module is collected only where there is one"
    async with firefox(program) as fox:
        yield fox


def by(name: str) -> str:
    """Write how the page finds one of its elements."""
    return f"document.querySelector('[data-testid={name}]')"


async def test_a_run_goes_from_the_brief_through_its_questions_to_the_result(fox: Firefox, stack: Stack) -> None:
    await fox.go(f"http://127.0.0.1:{stack.port}/")
    await fox.until(f"{by('connection')}?.dataset.phase === 'open' && {by('input-user_input')}")
    fill = f"field => (field.value = '{BRIEF}', field.dispatchEvent(new Event('input', {{ bubbles: true }})))"
    await fox.evaluate(f"({fill})({by('input-user_input')})")
    await fox.evaluate(f"{by('start-submit')}.click()")
    await fox.until("document.querySelector('[data-testid^=stream-]')")
    await fox.until(f"document.querySelector('{CARD}')")
    await fox.press("Control", "k")
    await fox.until(f"{by('palette-search')} !== null && document.activeElement === {by('palette-search')}")
    await fox.press("Escape")
    await fox.until(f"{by('palette')} === null")
    for name in CHECKPOINTS:
        card = f"document.querySelector('{CARD}')"
        ready = f"{by('action-approve')}?.getAttribute('aria-disabled') === 'false'"
        await fox.until(f"{card}?.dataset.name === '{name}' && {ready}")
        await fox.evaluate(f"{card}.focus()")
        await fox.press("a")
        await fox.until(f"{card}?.dataset.name !== '{name}'")
    await fox.until(f"{by('run-state')}?.dataset.state === 'completed' && {by('result')} !== null")
    execution = str(await fox.evaluate("location.pathname.split('/')[2]"))
    assert decisions(stack, execution) == [(name, "approve") for name in CHECKPOINTS]
