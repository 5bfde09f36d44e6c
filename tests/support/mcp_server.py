"""A real MCP server on standard input and output. What its tools do stands in the file that its argument names."""

import sys
from pathlib import Path

from mcp.server.fastmcp import FastMCP

server = FastMCP("ledger", log_level="ERROR")


def note(line: str) -> None:
    """Write into the ledger."""
    with Path(sys.argv[1]).open("a") as ledger:
        ledger.write(f"{line}\n")


@server.tool()
def post(to: str, copies: int = 1) -> str:
    """Post a letter."""
    note(f"{to} {copies}")
    return f"posted to {to}, {copies} times"


@server.tool()
def lose(to: str) -> str:
    """Lose a letter."""
    note(f"lost {to}")
    raise ValueError(f"the letter to {to} is lost")


if __name__ == "__main__":
    server.run()
