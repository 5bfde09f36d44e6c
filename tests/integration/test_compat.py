"""The call that waits for an execution: it ends with that, with its client, with its patience, and with the server."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from protocol.commands import Cancel, List
from protocol.ids import ExecutionId
from protocol.objects import State
from server.dispatch import Listing
from tests.support.scripted import RARA, World
from tests.support.site import RestSite, running_rest
from tests.support.waiting import wait_until


@pytest.fixture
async def site(world: World) -> AsyncIterator[RestSite]:
    async with running_rest(world) as made, world.worker():
        yield made


class Call:
    """A call under way, and its answer once it is there."""

    def __init__(self, site: RestSite) -> None:
        self.site = site
        self.answer: httpx.Response | None = None
        self.scope = anyio.CancelScope()

    async def run(self) -> None:
        url = f"http://127.0.0.1:{self.site.port}/api/crew"
        with self.scope:
            self.answer = await self.site.client.post(url, json={"message": "tea"})

    async def begun(self) -> ExecutionId:
        """Wait until the call waits, and have the worker take its execution."""
        await wait_until(lambda: len(self.site.compat.endings.waiting) == 1, description="the call waits")
        member, _ = self.site.world.asked.asked[-1]
        await self.site.world.running[0].advance(member)
        return ExecutionId(member.partition("/")[2])

    async def over(self) -> tuple[int, Any]:
        await wait_until(lambda: self.answer is not None, description="the call is answered")
        assert self.answer is not None
        return self.answer.status_code, self.answer.json()


async def test_a_call_is_answered_as_soon_as_its_execution_ends(site: RestSite) -> None:
    call = Call(site)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call.run)
        execution = await call.begun()
        await site.world.decide(await site.world.opened(execution), "approve")
        status, body = await call.over()
    assert (status, body["status"], body["output"], body["execution_id"]) == (200, "complete", "draft 1", execution)
    assert body["task_outputs"] == [{"task": "plan", "agent": None, "output": "draft 1"}]
    assert [step["task"] for step in body["progress"]] == ["plan"]
    await wait_until(lambda: site.hub.channels == 0, description="nothing is watched")


async def test_a_client_that_leaves_frees_the_wait_and_ends_nothing(site: RestSite) -> None:
    call = Call(site)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call.run)
        execution = await call.begun()
        asked = await site.world.opened(execution)
        call.scope.cancel()
    await wait_until(lambda: not site.compat.endings.waiting, description="nobody waits")
    await wait_until(lambda: site.hub.channels == 0, description="nothing is watched")
    await site.world.decide(asked, "approve")
    await site.world.state(execution, State.COMPLETED)


@pytest.mark.parametrize("action", ["stop", "cancel"])
async def test_an_end_without_a_result_is_an_error(site: RestSite, action: str) -> None:
    call = Call(site)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call.run)
        execution = await call.begun()
        asked = await site.world.opened(execution)
        if action == "stop":
            await site.world.decide(asked, "stop")
        else:
            await site.world.dispatch.handle(Cancel(execution=execution), RARA)
        status, body = await call.over()
    said = {"stop": "The execution was stopped.", "cancel": "The execution was cancelled."}[action]
    assert (status, body) == (500, {"status": "error", "error": said, "execution_id": execution})


async def test_patience_is_limited_and_the_execution_is_not(world: World) -> None:
    async with running_rest(world, patience=0.2) as site, world.worker():
        call = Call(site)
        await call.run()
        status, body = await call.over()
        assert (status, body["status"]) == (500, "error")
        execution = ExecutionId(body["execution_id"])
        assert body["error"] == (
            f"After 0.2 s the execution is still at work. It goes on: see GET /api/crew/status/{execution}."
        )
        await world.running[0].advance(world.store.member(execution))
        await world.decide(await world.opened(execution), "approve")
        await world.state(execution, State.COMPLETED)


async def test_a_server_that_shuts_down_says_so(site: RestSite) -> None:
    call = Call(site)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.begun()
        await site.compat.drain()
        status, body = await call.over()
        assert (status, "shutting down" in body["error"]) == (500, True)
        late = Call(site)
        await late.run()
        assert (await late.over())[1].keys() == body.keys() == {"status", "error", "execution_id"}


async def test_what_cannot_start_is_not_waited_for(site: RestSite) -> None:
    url = f"http://127.0.0.1:{site.port}/api/crew"
    answer = await site.client.post(url, json={})
    assert (answer.status_code, answer.json()["status"]) == (400, "error")
    assert "topic" in answer.json()["error"]
    broken = await site.client.post(url, json={"message": "tea", "crew": "broken"})
    assert (broken.status_code, broken.json()["status"]) == (500, "error")
    listing: Listing = await site.world.dispatch.handle(List(what="executions"), RARA)
    assert not listing.items
