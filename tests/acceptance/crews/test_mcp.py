"""Tools that come from an MCP server, a real one: recorded, approved and corrected as any others."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.events import ToolCompleted, ToolFailed, ToolStarted
from tests.support import mcp_server
from tests.support.crews import Crew, adapted, agent, model, task
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.marked_model import MarkedModel

from crewai.mcp import MCPServerStdio  # isort: skip  # crewai is imported above, without its warnings
from crewai.utilities.string_utils import sanitize_tool_name  # isort: skip


@pytest.fixture
def server() -> Iterator[MarkedModel]:
    with MarkedModel() as running:
        yield running


class Desk:
    """A crew whose agent has all its tools from the server, and the ledger of what was done."""

    def __init__(self, server: MarkedModel, folder: Path, in_text: bool) -> None:
        self.server = server
        self.file = folder / "ledger"
        self.args = ["-P", mcp_server.__file__, str(self.file)]
        self.in_text = in_text

    def told(self, name: str) -> str:
        """Give a tool's name as models are told it: a hash is all that is left of it."""
        return sanitize_tool_name("_".join([sys.executable, *self.args, name]))

    def build(self) -> Crew:
        class InText(type(model(self.server))):  # type: ignore[misc] # it is asked in text
            def supports_function_calling(self) -> bool:
                return False

        settings = {"model": "gpt-4o-mini", "base_url": self.server.url, "api_key": "sk-test-0123456789"}
        llm = InText(**settings) if self.in_text else model(self.server)
        writer = agent(self.server, llm=llm, mcps=[MCPServerStdio(command=sys.executable, args=self.args)])
        calls = f"[[{self.told('post')} to=Rara]] [[{self.told('lose')} to=Dimas]]"
        return Crew(agents=[writer], tasks=[task("it", writer, description=f"do it {calls}")])

    def ledger(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []


@pytest.fixture(params=["native", "in text"])
def desk(request: pytest.FixtureRequest, server: MarkedModel, tmp_path: Path) -> Desk:
    """On the two paths by which crewai runs tools."""
    return Desk(server, tmp_path, request.param == "in text")


async def test_a_call_is_made_once(desk: Desk, server: MarkedModel) -> None:
    execution, runnable = Execution(), adapted(desk.build)
    first = FakeJournal(of=execution)
    outcome = await runnable.run(first)
    assert sorted(desk.ledger()) == ["Rara 1", "lost Dimas"]
    assert {event.tool for event in first.events(ToolStarted)} == {"post", "lose"}, "by their own names"
    assert [event.result for event in first.events(ToolCompleted)] == ["posted to Rara, 1 times"]
    assert "the letter to Dimas is lost" in first.events(ToolFailed)[0].result
    asked = len(server.requests)
    del execution.recorded["t0/output"]
    second = FakeJournal(of=execution)
    assert await runnable.run(second) == outcome
    assert (len(server.requests), len(desk.ledger())) == (asked, 2)


async def test_a_call_is_approved_by_the_tools_own_name(desk: Desk) -> None:
    """And its arguments must be such that the server would take them."""
    answers: list[Say] = [("edit", '{"copies": "many"}'), ("edit", '{"to": "Sinta", "copies": 2}')]
    journal = FakeJournal(answers={"tool:post": answers})
    await adapted(desk.build, approve=("po*",)).run(journal)
    question, again = journal.asked
    assert "to: " in again.description
    assert question.tool is not None
    assert question.tool.schema is not None
    assert (question.title, question.tool.schema["required"]) == ("Run post?", ["to"])
    assert sorted(desk.ledger()) == ["Sinta 2", "lost Dimas"]
