"""How calls are told: arguments as objects, results cut, and who it is that calls."""

import json
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

#: Bytes of a tool's result that are told.
RESULT_LIMIT = 8192


@dataclass(eq=False)
class Announced:
    """A call of a tool that crewai has announced. `run`: it came as far as to be run, and is told by that."""

    tool: str
    arguments: Any
    agent: str | None
    run: bool = False


#: The call that crewai has announced last, in the current work.
ANNOUNCED: ContextVar[Announced | None] = ContextVar("quarterdeck_announced", default=None)


def agent_at_hand() -> str | None:
    """Name the agent whose call was announced, and take note that it is run."""
    announced = ANNOUNCED.get()
    if announced is None:
        return None
    announced.run = True
    return announced.agent


def arguments_of(given: Any, *, plain: bool = True) -> dict[str, Any]:
    """Give a tool's arguments as an object, also where the model wrote JSON or text; `plain`: as plain data."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = {"input": given}
    if plain:
        given = json.loads(json.dumps(given, default=str))
    return given if isinstance(given, dict) else {"input": given}


def cut(text: str) -> tuple[str, bool]:
    """Cut to 8 KiB of UTF-8 between two characters; tell whether anything was cut."""
    data = text.encode("utf-8", "replace")
    if len(data) <= RESULT_LIMIT:
        return text, False
    return data[:RESULT_LIMIT].decode("utf-8", "ignore"), True
