"""What is answered is what the OpenAPI document describes, refusals too."""

from typing import Any

import httpx
import pytest

from protocol.ids import ExecutionId
from protocol.objects import State
from tests.support.contract import fits
from tests.support.scripted import World
from tests.support.site import RestSite, running_rest


class Asking:
    """Asks a site; every answer must be one that is described."""

    def __init__(self, site: RestSite) -> None:
        self.site = site

    async def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        url = f"http://127.0.0.1:{self.site.port}{path}"
        answer = await self.site.client.request(method, url, json=body)
        assert answer.status_code == status, answer.text
        for worker in self.site.world.running:
            worker.notice_all()
        read = answer.json() if answer.content else None
        media = answer.headers.get("content-type", "").partition(";")[0]
        fits(method, httpx.URL(url).path, status, media, read)
        return read

    async def begin(self, path: str, body: Any, name: str, status: int = 200) -> ExecutionId:
        """Start an execution and have the worker take it."""
        execution = ExecutionId((await self("POST", path, body, status))[name])
        world = self.site.world
        await world.running[0].advance(world.store.member(execution))
        return execution


async def test_rest(world: World) -> None:
    async with running_rest(world) as site, world.worker():
        ask = Asking(site)
        start = {"crew": "scripted", "inputs": {"topic": "tea"}, "checkpoints": ["after_planning"]}
        execution = await ask.begin("/api/v1/executions", start, "execution", 201)
        draft = await world.opened(execution)
        one = f"/api/v1/executions/{execution}"
        await ask("GET", f"{one}/checkpoints/{draft.id}")
        await ask("GET", "/api/v1/checkpoints?state=open")
        await ask("POST", f"{one}/checkpoints/{draft.id}/decision", {"action": "edit", "output": "Better."})
        await world.state(execution, State.COMPLETED)
        await ask("POST", f"{one}/checkpoints/{draft.id}/decision", {"action": "approve"}, 409)
        fork = {"checkpoint": draft.id, "action": "stop"}
        await ask("POST", f"{one}/fork", fork, 201)
        lists = [f"/api/v1/{name}" for name in ("executions", "crews", "conversations")]
        for path in (one, f"{one}/events", f"{one}/deliveries", *lists):
            await ask("GET", path)
        await ask("POST", f"{one}/cancel", None, 409)
        await ask("GET", f"{one}/files/none", None, 404)
        await ask("POST", f"{one}/deliveries/9-none/resend", None, 404)
        await ask("GET", "/api/v1/executions/x_none/deliveries", None, 404)
        await ask("POST", "/api/v1/executions", {**start, "webhooks": [{"url": "https://10.0.0.1/"}]}, 422)
        await ask("POST", "/api/v1/executions", {"crew": "nobody"}, 404)


async def test_existing_contracts(world: World) -> None:
    async with running_rest(world, patience=0.1) as site, world.worker():
        ask = Asking(site)
        execution = await ask.begin("/api/crew/execute", {"message": "tea"}, "execution_id")
        await world.opened(execution)
        feedback = {"execution_id": execution, "checkpoint_id": "after_planning", "action": "continue"}
        await ask("GET", f"/api/crew/checkpoint/{execution}")
        await ask("GET", f"/api/crew/status/{execution}")
        await ask("GET", f"/status/{execution}")
        await ask("POST", "/api/crew/feedback", {**feedback, "action": "dance"}, 400)
        await ask("POST", "/api/crew/feedback", {**feedback, "action": 7}, 422)
        await ask("POST", "/api/crew/feedback", feedback)
        await world.state(execution, State.COMPLETED)
        for path in (f"/api/crew/status/{execution}", f"/status/{execution}", "/api/crew/executions", "/inputs"):
            await ask("GET", path)
        await ask("GET", f"/api/crew/checkpoint/{execution}", None, 400)
        await ask("DELETE", f"/api/crew/execution/{execution}")
        await ask("POST", "/api/crew", {"message": "tea"}, 500)
        await ask("POST", "/api/crew", {"ping": True})


@pytest.mark.parametrize("approve", [True, False])
async def test_the_platform(world: World, approve: bool) -> None:
    async with running_rest(world) as site, world.worker():
        ask = Asking(site)
        kickoff = {"inputs": {"topic": "tea"}, "checkpoints": ["after_planning"]}
        execution = await ask.begin("/kickoff", kickoff, "kickoff_id")
        await world.opened(execution)
        await ask("GET", f"/status/{execution}")
        resume = {"execution_id": execution, "task_id": "plan", "human_feedback": "short", "is_approve": approve}
        assert (await ask("POST", "/resume", resume))["status"] == ("resumed" if approve else "retrying")
        await ask("POST", "/kickoff", {"inputs": {}}, 422)
        await ask("GET", "/status/x_none", None, 404)
        await ask("POST", "/kickoff", {**kickoff, "crewWebhookUrl": "https://10.0.0.1/"}, 400)
        await ask("POST", "/kickoff", {**kickoff, "webhooks": {"url": "https://hooks.example"}}, 400)
