"""The REST interface of an installation, as a program without a socket uses it."""

from typing import Any

import anyio.to_thread

from tests.support.http import Answer, ask
from tests.support.stack import Stack
from tests.support.waiting import wait_until


async def api(stack: Stack, method: str, path: str, body: Any = None, web: int = 0, **headers: str) -> Answer:
    """Ask one of the web processes; headers are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await anyio.to_thread.run_sync(ask, stack.webs[web].port, method, f"/api/v1{path}", body, named)


async def started(stack: Stack, topic: str, *checkpoints: str) -> str:
    """Start the story of a topic, and give the execution."""
    body = {"crew": "story", "inputs": {"topic": topic}, "checkpoints": checkpoints}
    return str((await api(stack, "POST", "/executions", body)).json["execution"])


async def reached(stack: Stack, execution: str, state: str) -> Any:
    """Wait for a state, and give the execution with its checkpoints."""
    read: list[Any] = []

    async def look() -> bool:
        read[:] = [(await api(stack, "GET", f"/executions/{execution}")).json]
        return bool(read[0]["execution"]["state"] == state)

    await wait_until(look, description=f"{execution} is {state}", timeout=30)
    return read[0]
