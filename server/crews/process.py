"""What a process that runs crews needs once: threads, the wraps, and no console."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

from crewai import Crew, Task
from crewai.events.event_bus import crewai_event_bus
from crewai.events.event_listener import event_listener
from crewai.utilities.task_output_storage_handler import TaskOutputStorageHandler

from server.crews import speed, wraps
from server.crews.silence import silence

#: The module whose handlers print panels and feed telemetry.
LISTENER = event_listener.__class__.__module__


class Forgetful(dict[Task, Any]):
    """A dict that stays empty: crewai keeps every task in one until its end event, which a stopped crew never sends."""

    def __setitem__(self, key: Task, value: Any) -> None:
        """Drop it."""


class NoStore(TaskOutputStorageHandler):
    """Keep no outputs beside the journal: crewai's own store is one SQLite file for all crews, written on the loop."""

    def __init__(self) -> None:
        pass

    def update(self, task_index: int, log: dict[str, Any]) -> None:
        """Keep nothing."""

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Keep nothing."""

    def reset(self) -> None:
        """Forget nothing."""

    def load(self) -> None:
        """Give nothing."""


def prepare(threads: int) -> None:
    """Size the loop's thread pool, where crewai makes every model and tool call, and silence crewai. Idempotent."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="crew")
    asyncio.get_running_loop().set_default_executor(pool)
    prepare_library()
    speed.settle()


def prepare_library() -> None:
    """Wrap and silence crewai, without a running loop. Idempotent."""
    silence()
    wraps.install()
    speed.install()
    event_listener.execution_spans = Forgetful()
    event_listener.verbose = event_listener.formatter.verbose = False
    Crew.__private_attributes__["_task_output_handler"].default_factory = NoStore
    _unplug_listener()
    # The bus makes its loop when it is first needed, and a loop keeps the context it is made in: without this, the
    # first execution of a process, and its crew, would be kept for ever (crewai/events/event_bus.py).
    Context().run(crewai_event_bus._ensure_executor_initialized)


def _unplug_listener() -> None:
    """Take crewai's own listener off its bus: it prints, reports, and costs a thread's work per event."""
    for kind, handlers in list(crewai_event_bus._sync_handlers.items()):
        for handler in handlers:
            if handler.__module__ == LISTENER:
                crewai_event_bus.off(kind, handler)
