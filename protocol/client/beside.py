"""Something that runs beside a block, for as long as the block does."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def beside(run: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[TaskGroup]:
    """Run it in a task group that ends with the block; what the block raises comes out as it is, in no group."""
    group = anyio.create_task_group()
    await group.__aenter__()
    group.start_soon(run)
    try:
        yield group
    finally:
        group.cancel_scope.cancel()
        await group.__aexit__(None, None, None)
