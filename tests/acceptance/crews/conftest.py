"""Crews that run in the test's own process: a model for each test, and no heed of what crewai warns of."""

from collections.abc import Iterator

import pytest

from tests.support.crews import CREWAI_WARNINGS
from tests.support.openai_server import OpenAIServer


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """A model that no other test asks."""
    with OpenAIServer() as running:
        yield running


def pytest_itemcollected(item: pytest.Item) -> None:
    for warning in CREWAI_WARNINGS:
        item.add_marker(pytest.mark.filterwarnings(warning))
