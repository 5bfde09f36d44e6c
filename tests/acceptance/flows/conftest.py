"""Flows that run in the test's own process: a model and fresh notes for each, and no heed of what crewai warns of."""

from collections.abc import Iterator

import pytest

from tests.support.crews import CREWAI_WARNINGS
from tests.support.flow_notes import noting
from tests.support.openai_server import OpenAIServer


@pytest.fixture(autouse=True)
def server() -> Iterator[OpenAIServer]:
    """A model that no other test asks; what bodies have noted before is forgotten."""
    with noting() as running:
        yield running


def pytest_itemcollected(item: pytest.Item) -> None:
    for warning in CREWAI_WARNINGS:
        item.add_marker(pytest.mark.filterwarnings(warning))
