"""What a tool is called, and which patterns of a registration mean it. No server is asked."""

from typing import Any

import pytest

import tests.support.crews  # noqa: F401  # isort: skip  # the first import of crewai, without its warnings
from crewai.tools import BaseTool
from crewai.tools.mcp_native_tool import MCPNativeTool

from server.crews.calls.toolname import name_of
from server.crews.registration import Registration

COMMAND = "/home/rara/projects/letters/.venv/bin/python_-m_letters.server_--quiet"


class SendMail(BaseTool):
    name: str = "Send mail"
    description: str = "Send a mail."

    def _run(self) -> str:
        return ""


def from_a_server(name: str) -> BaseTool:
    return MCPNativeTool(client_factory=object, tool_name=name, tool_schema={}, server_name=COMMAND)


CASES = [
    (SendMail, ["send_mail", "Send mail", "SendMail", "send*"], ["mail", "send"]),
    (lambda: from_a_server("postLetter"), ["postLetter", "post_letter", "post*", "*_post_letter"], ["letter", "get*"]),
]


@pytest.mark.parametrize(("make", "meant", "others"), CASES)
@pytest.mark.parametrize("structured", [False, True])
def test_a_pattern_means_a_tool_by_any_of_its_names(
    make: Any, meant: list[str], others: list[str], structured: bool
) -> None:
    tool = make().to_structured_tool() if structured else make()
    for pattern in meant:
        assert Registration(approve=(pattern,)).needs_approval(*name_of(tool).all), pattern
        assert Registration(idempotent=(pattern,)).is_idempotent(*name_of(tool).all), pattern
    for pattern in others:
        assert not Registration(approve=(pattern,)).needs_approval(*name_of(tool).all), pattern


def test_people_see_a_tools_own_name_and_models_the_one_that_they_are_told() -> None:
    name = name_of(from_a_server("postLetter"))
    assert name.shown == "post_letter"
    assert len(name.told) == 64
    assert name.told.startswith("home_rara_projects_letters")
    assert name_of(SendMail())[:2] == ("send_mail", "send_mail")
