"""Crews of one task whose calls have prices."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

from server.prices import Prices
from tests.support.crews import Crew, agent, task, tool
from tests.support.openai_server import OpenAIServer

from server.crews.calls import costs  # isort: skip  # crewai is first imported above, without its warnings

#: Of a call of 11 and 7 tokens of gpt-4o-mini, as the server tells where nothing else is said.
CALL = "0.00000585"


class Plan(BaseModel):
    title: str


@tool("count")
def count(words: str) -> str:
    """Count words."""
    return "7"


@contextmanager
def priced(prices: Prices) -> Iterator[None]:
    """Price calls by a table, in this process."""
    costs.price_by(prices)
    yield
    costs.price_by(Prices())


def single(server: OpenAIServer, *, more: dict[str, Any] | None = None, **settings: Any) -> Callable[[], Crew]:
    """Make crews of one task."""

    def build() -> Crew:
        writer = agent(server, **settings)
        return Crew(agents=[writer], tasks=[task("it", writer, **(more or {}))])

    return build
