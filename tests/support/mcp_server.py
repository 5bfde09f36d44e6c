"""A real MCP server on standard input and output. What its tools do stands in the file that its argument names."""

import sys
from pathlib import Path

from mcp.server.fastmcp import FastMCP

LEDGER = Path(sys.argv[1])
server = FastMCP("ledger", log_level="ERROR")


@server.tool()
def post(to: str, copies: int = 1) -> str:
    """Post a letter."""
    with LEDGER.open("a") as ledger:
        ledger.write(f"{to} {copies}\n")
    return f"posted to {to}, {copies} times"


@server.tool()
def lose(to: str) -> str:
    """Lose a letter."""
    with LEDGER.open("a") as ledger:
        ledger.write(f"lost {to}\n")
    raise ValueError(f"the letter to {to} is lost")


if __name__ == "__main__":
    server.run()
