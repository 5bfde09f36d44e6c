"""Knowledge in an execution: looked up in a thread, for crewai has a model called on the loop to make the query."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from crewai import Agent, Task
from crewai.agent import core
from crewai.agent.utils import handle_knowledge_retrieval

from server.crews.calls.wrapping import MARK, is_wrapped
from server.crews.run import RUN

#: The function that agents look up by, as their module has imported it.
NAME = "ahandle_knowledge_retrieval"


def install() -> None:
    """Wrap what an agent looks up before it works. Harmless when repeated."""
    original = getattr(core, NAME)
    if not is_wrapped(original):
        wrapper = _retrieval(original)
        setattr(wrapper, MARK, True)
        setattr(core, NAME, wrapper)


def _retrieval(original: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    @wraps(original)
    async def ahandle_knowledge_retrieval(agent: Agent, task: Task, prompt: str, config: dict[str, Any]) -> str:
        if RUN.get() is None:
            return await original(agent, task, prompt, config)
        crew: Any = agent.crew if agent.crew and not isinstance(agent.crew, str) else None
        if not (agent.knowledge or (crew and crew.knowledge)):
            return prompt
        own = agent.knowledge.query if agent.knowledge else _nothing
        shared = crew.query_knowledge if crew else _nothing
        return await asyncio.to_thread(handle_knowledge_retrieval, agent, task, prompt, config, own, shared)

    return ahandle_knowledge_retrieval


def _nothing(*_: Any, **__: Any) -> None:
    return None
