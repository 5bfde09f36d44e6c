"""Installations that tests share, and their logs when a test fails."""

from collections.abc import AsyncIterator, Generator, Iterator

import anyio
import pytest
from playwright.async_api import Browser

from protocol.ids import new_id
from tests.support.browser import Screen, launched, opened
from tests.support.client import Client
from tests.support.firefox import find_firefox
from tests.support.openai_server import OpenAIServer
from tests.support.processes import Process
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller

#: Firefox is not everywhere; what is tested with it is tested with Chromium as well.
collect_ignore = [] if find_firefox() else ["test_firefox.py"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of the processes of a failed test."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Stack):
                report.sections.append(("logs", value.logs()))
            elif isinstance(value, Process):
                report.sections.append(("log", value.err[-8000:]))
    return report


@pytest.fixture(scope="session")
def tales() -> Iterator[Storyteller]:
    """The model that the crews of all installations use."""
    with OpenAIServer() as server:
        yield Storyteller(server)


@pytest.fixture(scope="session")
def stack(tales: Storyteller) -> Iterator[Stack]:
    """Two web processes and a worker, for tests that do no harm. No test may leave a traceback in a web log."""
    with installed(tales.server.url, webs=2) as stack:
        anyio.run(stack.mend)
        yield stack
        for web in stack.webs:
            assert "Traceback" not in web.err


@pytest.fixture
async def whole(machines: Stack) -> Stack:
    """The installation that a module's tests hurt, with everything up and well."""
    await machines.mend()
    return machines


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    """A connection to the first web process."""
    async with stack.connect() as client:
        yield client


@pytest.fixture
def topic() -> str:
    """A word that no other execution knows."""
    return new_id("topic")


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    """A model for a module's own crews."""
    with OpenAIServer() as running:
        yield running


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser for a module's tests; each person in it has nothing of the others."""
    async with launched() as browser:
        yield browser


@pytest.fixture
async def screen(stack: Stack, browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Screen]:
    """A person's browser, on the first web process of the module's installation."""
    async with opened(browser, stack.port, outages="killed" in request.node.name) as screen:
        yield screen
