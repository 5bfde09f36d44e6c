"""What a front end that was written for `/api/crew` asks."""

from typing import Any

import anyio
import anyio.to_thread

from tests.support.http import Answer, ask
from tests.support.stack import Stack
from tests.support.waiting import wait_until

BARE: dict[str, Any] = {"current_checkpoint": None, "completed_checkpoints": [], "result": None, "error": None}


async def call(stack: Stack, method: str, path: str, body: Any = None, web: int = 0, **headers: str) -> Answer:
    """Send one request as a front end does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await anyio.to_thread.run_sync(ask, stack.webs[web].port, method, path, body, named)


async def execute(stack: Stack, topic: str, *checkpoints: str) -> str:
    """Start the crew, and check what is answered at once."""
    answer = await call(stack, "POST", "/api/crew/execute", {"message": topic, "checkpoints": checkpoints})
    assert answer.status == 200
    assert answer.json == {"execution_id": answer.json["execution_id"], "status": "running", **BARE}
    return str(answer.json["execution_id"])


async def polled(stack: Stack, execution: str, status: str, path: str = "/api/crew/status") -> Any:
    """Ask until the execution has a status."""
    read: list[Any] = []

    async def look() -> bool:
        read[:] = [(await call(stack, "GET", f"{path}/{execution}", web=1)).json]
        return bool(read[0]["status"] == status)

    await wait_until(look, description=f"{execution} is {status}", timeout=30)
    return read[0]


async def asked(stack: Stack, execution: str, version: int = 1) -> Any:
    """Ask until a checkpoint waits, and give it."""
    read: list[Any] = []

    async def look() -> bool:
        answer = await call(stack, "GET", f"/api/crew/checkpoint/{execution}")
        read[:] = [answer.json] if answer.status == 200 else []
        return bool(read and read[0]["context"]["version"] == version)

    await wait_until(look, description=f"version {version} of a checkpoint waits", timeout=30)
    return read[0]


async def feedback(stack: Stack, execution: str, checkpoint: str, action: str, words: str | None = None) -> Answer:
    body = {"execution_id": execution, "checkpoint_id": checkpoint, "action": action, "feedback": words}
    return await call(stack, "POST", "/api/crew/feedback", body, web=1)
