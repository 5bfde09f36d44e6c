"""What a tool is called: by models, by its author, and by the MCP server that it comes from.

CrewAI puts an MCP server's address, or its whole command line, before a tool's name, and cuts what is longer than 64
characters short behind a hash (`MCPNativeTool`, `sanitize_tool_name`). People know such a tool by its own name.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from crewai.utilities.string_utils import sanitize_tool_name


class ToolName(NamedTuple):
    """`told` to models, `shown` to people; `all` are those by which a crew's registration may mean the tool."""

    told: str
    shown: str
    all: tuple[str, ...]


def name_of(tool: Any) -> ToolName:
    """Name a tool, which may be one that CrewAI made of another."""
    full = str(tool.name)
    told = sanitize_tool_name(full)
    own = [name for one in _with_original(tool) if (name := _own(one))]
    return ToolName(told, sanitize_tool_name(own[0]) if own else told, (told, full, *own))


def _with_original(tool: Any) -> Iterator[Any]:
    yield tool
    if (original := getattr(tool, "_original_tool", None)) is not None:
        yield original


def _own(tool: Any) -> str | None:
    """Give the name of a tool on its MCP server, where it comes from one."""
    name = getattr(tool, "original_tool_name", None)
    return name if isinstance(name, str) else None
