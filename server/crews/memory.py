"""Memory in an execution: recalled once and saved once, whatever becomes of the worker, and never on the event loop.

crewai recalls and saves by model calls that block the loop; and it waits there for saves in threads, which need the
loop to be recorded: without this, a crew with memory would stand still, and its worker with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, TypeVar

from crewai import Agent, Task
from crewai.agents.agent_builder.base_agent_executor import BaseAgentExecutor
from crewai.memory.types import MemoryMatch
from crewai.memory.unified_memory import Memory

from server.crews.calls.codec import Ran, encode, read_ran, to_bytes
from server.crews.calls.codec import decode as restored
from server.crews.calls.fingerprint import fingerprint
from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.nested import on_loop_of
from server.crews.run import INSIDE_TOOL, RUN, Run
from server.crews.scopes import scope

ResultT = TypeVar("ResultT")
Matches = list[MemoryMatch]

#: What was recalled in a thread for the agent's next prompt, by what was asked; or why it could not be.
FORESEEN: ContextVar[dict[str, Matches | Exception] | None] = ContextVar("quarterdeck_foreseen", default=None)
#: What the agent at work is to save when it has ended.
UNSAVED: ContextVar[list[Callable[[], None]] | None] = ContextVar("quarterdeck_unsaved", default=None)


def install() -> None:
    """Wrap recalling, saving, and the waiting for saves. Harmless when repeated."""
    if is_wrapped(Memory.recall):
        return
    replace(Memory, "recall", _recall(Memory.recall))
    replace(Memory, "drain_writes", _drain(Memory.drain_writes))
    replace(BaseAgentExecutor, "_save_to_memory", _save(BaseAgentExecutor._save_to_memory))


async def remembering(run: Run, agent: Agent, task: Task, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Let an agent work with what it remembers; what it saves is saved when this returns."""
    memory = _memory_of(agent)
    if memory is None:
        return await work()
    foreseen, unsaved = FORESEEN.set({}), UNSAVED.set([])
    try:
        await asyncio.to_thread(_foresee, memory, task.description)
        result = await work()
        saves = UNSAVED.get() or []
    finally:
        FORESEEN.reset(foreseen)
        UNSAVED.reset(unsaved)
    for save in saves:
        await _saved(run, memory, save)
    return result


def _memory_of(agent: Agent) -> Any:
    return getattr(agent, "memory", None) or getattr(agent.crew, "_memory", None)


def _foresee(memory: Any, query: str) -> None:
    """Recall what the agent is about to recall (crewai/agent/core.py: `_retrieve_memory_context`), in a thread."""
    try:
        memory.recall(query, limit=5)
    except Exception as error:  # kept in FORESEEN: the agent goes on without, and tells it
        del error


async def _saved(run: Run, memory: Any, save: Callable[[], None]) -> None:
    step = run.step("memory").lstrip("/")
    if run.journal.recall(step) is None:
        with scope(step):
            await asyncio.to_thread(save)
            await asyncio.to_thread((getattr(memory, "_memory", None) or memory).drain_writes)
        await run.record(step, b"saved")


def _recall(original: Callable[..., Matches]) -> Callable[..., Matches]:
    @wraps(original)
    def recall(self: Memory, *args: Any, **kwargs: Any) -> Matches:
        run = RUN.get()
        if run is None or INSIDE_TOOL.get():
            return original(self, *args, **kwargs)
        asked, foreseen = fingerprint(self.root_scope, args, kwargs), FORESEEN.get()
        if not on_loop_of(run):
            found = _once(run, asked, lambda: original(self, *args, **kwargs), foreseen)
        elif foreseen is not None and asked in foreseen:
            found = foreseen.pop(asked)
        else:  # a deep search has a model called in a thread, which could not be recorded while the loop waits
            found = _once(run, asked, lambda: original(self, *args, **{**kwargs, "depth": "shallow"}), None)
        if isinstance(found, Exception):
            raise found
        return found

    return recall


def _once(
    run: Run, asked: str, search: Callable[[], Matches], foreseen: dict[str, Matches | Exception] | None
) -> Matches | Exception:
    step = run.step(f"recall.{asked}").lstrip("/")
    found: Matches | Exception
    if (stored := run.journal.recall(step)) is not None:
        kept = read_ran(stored).result
        assert kept is not None, "it is recorded below, with a result"
        found = restored(kept)
    else:
        try:
            with scope(step):
                found = search()
            run.record_now(step, to_bytes(Ran(result=encode(found))))
        except Exception as error:
            found = error
    if foreseen is not None:
        foreseen[asked] = found
    return found


def _drain(original: Callable[[Memory], None]) -> Callable[[Memory], None]:
    @wraps(original)
    def drain_writes(self: Memory) -> None:
        run = RUN.get()
        if run is None or not on_loop_of(run):
            original(self)

    return drain_writes


def _save(original: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @wraps(original)
    def save_to_memory(self: Any, output: Any) -> None:
        run, unsaved = RUN.get(), UNSAVED.get()
        if run is None or unsaved is None or not on_loop_of(run):
            original(self, output)
        else:
            unsaved.append(partial(original, self, output))

    return save_to_memory
