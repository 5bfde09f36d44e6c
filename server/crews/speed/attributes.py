"""An executor's private attributes, found at once.

About `pydantic/main.py`, `BaseModel.__getattr__`: before it looks where a private attribute is kept, it asks whether
its declaration is a descriptor, by an exception. An executor is a flow, whose every step reads thirty of them.
"""

from typing import Any

from crewai.agents.agent_executor import AgentExecutor
from pydantic import BaseModel

from server.crews.speed.contract import replace

RELIES_ON = {"pydantic.main:BaseModel.__getattr__": "f5d7141bbf8d48f0"}
_otherwise: Any = getattr(BaseModel, "__getattr__", None)


def install() -> None:
    """Have executors look there first."""
    replace(AgentExecutor, "__getattr__", _getattr)


def _getattr(self: AgentExecutor, item: str) -> Any:
    try:
        return object.__getattribute__(self, "__pydantic_private__")[item]
    except (AttributeError, TypeError, KeyError):  # not made yet, without any, or not among them
        return _otherwise(self, item)
