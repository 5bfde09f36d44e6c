"""Every door over HTTP asks who it is, refuses in the form that is usual there, and keeps tenants and roles apart."""

import time
from typing import Any

import anyio
import httpx
import pytest

from protocol.commands import Cancel
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server.auth import Principal, Role
from server.routes import shared
from server.routes.openapi.table import OPERATIONS
from server.store import Store
from server.store.apikeys import ApiKeys
from server.store.tickets import Tickets
from tests.support.contract import fits
from tests.support.doors import ASKING, doorman
from tests.support.scripted import World
from tests.support.site import STREAM, RestSite, running_rest
from tests.support.tokens import token
from tests.support.waiting import wait_until

START = {"crew": "scripted", "inputs": {"topic": "tea"}}
CLOSED = [(each.method, each.path) for each in OPERATIONS if not each.open]


def shown(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def ask(site: RestSite, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    return await site.client.request(method, f"http://127.0.0.1:{site.port}{path}", json=body, headers=headers)


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_nobody_passes_without_a_token(world: World, method: str, path: str) -> None:
    async with running_rest(world, auth=ASKING) as site:
        where = (
            path.replace("{execution}", "x_1")
            .replace("{checkpoint}", "cp_1")
            .replace("{crew}", "scripted")
            .replace("{delivery}", "d_1")
        )
        for headers in ({}, shown("nonsense"), {"authorization": "Basic cmFyYTo="}, shown(token(exp=1))):
            answer = await ask(site, method, where, **headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            media = answer.headers["content-type"].partition(";")[0]
            told = answer.json()
            fits(method, where, 401, media, told)
            problem = where.startswith(("/api/v1", "/ag-ui"))
            assert (media == "application/problem+json") is problem
            assert problem is (told.get("code") == "unauthenticated")


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/nothing", "/apiv1", "/healthz/../api/v1/crews", "//api/v1/crews"]
)
async def test_a_path_that_is_not_listed_is_closed(world: World, path: str) -> None:
    async with running_rest(world, auth=ASKING) as site:
        assert (await ask(site, "GET", path)).status_code == 401


@pytest.mark.parametrize("host", ["x/static/?", "x/static/#", "x\\static", "[", "", "a@b/static/"])
async def test_what_is_asked_for_is_told_by_the_path_alone(world: World, host: str) -> None:
    async with running_rest(world, auth=ASKING) as site:
        assert (await ask(site, "GET", "/api/v1/crews", host=host)).status_code == 401


async def test_a_token_in_a_query_is_no_token(world: World) -> None:
    async with running_rest(world, auth=ASKING) as site:
        assert (await ask(site, "GET", f"/api/v1/crews?token={token()}&access_token={token()}")).status_code == 401


async def test_a_token_opens_and_its_role_decides(world: World) -> None:
    async with running_rest(world, auth=ASKING) as site:
        operator, viewer = shown(token()), shown(token(sub="vera", roles=["viewer"]))
        made = await ask(site, "POST", "/api/v1/executions", START, **operator)
        assert made.status_code == 201
        path = f"/api/v1/executions/{made.json()['execution']}"
        assert (await ask(site, "GET", path, **viewer)).json()["execution"]["owner"] == {"id": "rara", "name": "Rara"}
        refusals = [
            ("POST", f"{path}/cancel", None),
            ("POST", "/api/v1/executions", START),
            ("POST", "/kickoff", {"inputs": {"topic": "tea"}}),
            ("POST", "/api/crew", {"message": "tea"}),
        ]
        for method, where, body in refusals[:2]:
            refused = await ask(site, method, where, body, **viewer)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            assert refused.json()["roles"]
        for refusal in refusals[2:]:
            assert (await ask(site, *refusal, **viewer)).status_code == 403
        detail = await ask(site, "POST", "/api/crew/execute", {"message": "tea"}, **viewer)
        assert (detail.status_code, "operator" in detail.json()["detail"]) == (403, True)
        assert (await ask(site, "POST", f"{path}/cancel", **operator)).json()["state"] == "cancelled"


async def test_another_tenants_work_is_not_there_at_any_door(world: World) -> None:
    async with running_rest(world, auth=ASKING) as site:
        mine, other = shown(token()), shown(token(tenant="teh", roles=["admin"]))
        made = await ask(site, "POST", "/api/v1/executions", {**START, "conversation": "cv_1"}, **mine)
        ident = made.json()["execution"]
        path = f"/api/v1/executions/{ident}"
        doors: list[tuple[str, str, Any]] = [
            ("GET", path, None), ("GET", f"{path}/events", None), ("GET", f"{path}/events?wait=1", None),
            ("GET", f"{path}/files/a.md", None), ("GET", f"{path}/checkpoints/cp_1", None),
            *(("POST", f"{path}/{verb}", None) for verb in ("cancel", "pause", "resume")),
            ("POST", f"{path}/fork", {"checkpoint": "cp_1", "action": "approve"}),
            ("POST", f"{path}/checkpoints/cp_1/decision", {"action": "approve"}),
            ("POST", f"{path}/checkpoints/cp_1/comments", {"text": "?"}),
            ("POST", f"{path}/checkpoints/cp_1/extension", {"seconds": 60}),
            ("GET", f"/api/crew/status/{ident}", None), ("GET", f"/api/crew/checkpoint/{ident}", None),
            ("DELETE", f"/api/crew/execution/{ident}", None), ("GET", f"/status/{ident}", None),
            ("POST", "/api/crew/feedback", {"execution_id": ident, "checkpoint_id": "cp_1", "action": "continue"}),
            ("POST", "/resume", {"execution_id": ident, "task_id": "plan", "human_feedback": "x", "is_approve": True}),
        ]  # fmt: skip
        for method, where, body in doors:
            answer = await ask(site, method, where, body, **other)
            absent = await ask(site, method, where.replace(ident, "x_0"), _with(body, ident, "x_0"), **other)
            assert answer.status_code == absent.status_code == 404, where
            assert answer.text == absent.text.replace("x_0", ident), where
        stream = await ask(site, "GET", f"{path}/events", **other, **STREAM)
        assert stream.status_code == 404
        for where in ("/api/v1/executions", "/api/v1/executions?conversation=cv_1", "/api/v1/checkpoints"):
            assert (await ask(site, "GET", where, **other)).json()["items"] == []
        assert (await ask(site, "GET", "/api/crew/executions", **other)).json()["executions"] == []
        assert (await ask(site, "GET", "/health", **other)).json()["active_executions"] == 0
        assert (await ask(site, "GET", "/health", **mine)).json()["active_executions"] == 1
        assert len((await ask(site, "GET", "/api/v1/executions", **mine)).json()["items"]) == 1
        run = {"threadId": "cv_1", "runId": "r", "messages": [], "tools": [], "context": [], "state": {}}
        resume = [{"interruptId": "cp_1", "status": "resolved", "payload": {"approved": True}}]
        attach = await ask(site, "POST", "/ag-ui/scripted", {**run, "resume": resume}, **other)
        assert (attach.status_code, attach.json()["code"]) == (404, "not_found")
        await world.dispatch.handle(
            Cancel(execution=ExecutionId(ident)), Principal("rara", "Rara", "kopi", frozenset(Role))
        )


def _with(body: Any, ident: str, other: str) -> Any:
    return {name: other if value == ident else value for name, value in body.items()} if body else body


async def test_health_counts_for_those_who_are_known(world: World) -> None:
    async with running_rest(world, auth=ASKING) as site:
        told = (await ask(site, "GET", "/health")).json()
        assert told == {"status": "healthy", "active_executions": None, "pending_checkpoints": None}
        assert (await ask(site, "GET", "/health", **shown("wrong"))).status_code == 401
        assert (await ask(site, "GET", "/health", **shown(token(roles=[])))).json() == told, "nor is it theirs to see"
    async with running_rest(world) as site:
        assert (await ask(site, "GET", "/health")).json()["active_executions"] == 0


async def test_all_of_a_tenant_who_ask_for_its_health_share_what_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so do all who are nobody's."""
    monkeypatch.setattr(shared, "LASTS", 60)
    found: list[str] = []

    async def ping() -> bool:
        found.append("")
        raise OSError("it is away")

    async def count(store: Store) -> int:
        found.append(store.tenant)
        return len(found)

    async with running_rest(world, auth=ASKING) as site:
        with monkeypatch.context() as patch:
            patch.setattr(world.redis, "ping", ping)
            patch.setattr(Store, "count_active", count)
            assert [(await ask(site, "GET", "/health")).status_code for _ in range(3)] == [503] * 3
            for tenant, number in (("kopi", 2), ("teh", 3), ("kopi", 2), ("teh", 3)):
                told = (await ask(site, "GET", "/health", **shown(token(tenant=tenant)))).json()
                assert (told["status"], told["active_executions"]) == ("healthy", number)
    assert found == ["", "kopi", "teh"]


async def test_an_api_key_opens_until_it_is_revoked(world: World) -> None:
    apikeys = ApiKeys(world.redis)
    secret, made = await apikeys.create("nightly", "kopi", [Role.VIEWER])
    async with running_rest(world, auth=ASKING) as site:
        assert (await ask(site, "GET", "/api/v1/crews", **shown(secret))).status_code == 200
        assert (await ask(site, "POST", "/api/v1/executions", START, **shown(secret))).status_code == 403
        ticket = (await ask(site, "POST", "/api/v1/ticket", **shown(secret))).json()["ticket"]
        await apikeys.revoke(made.id)
        assert (await ask(site, "GET", "/api/v1/crews", **shown(secret))).status_code == 401
        with pytest.raises(Refused) as refused:
            await doorman(world.redis, ASKING).redeem(ticket)
        assert refused.value.code is ErrorCode.UNAUTHENTICATED


async def test_a_ticket_is_for_who_asked_for_it(world: World) -> None:
    async with running_rest(world, auth=ASKING) as site:
        expires = int(time.time()) + 600
        answer = await ask(site, "POST", "/api/v1/ticket", **shown(token(exp=expires)))
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        fits("POST", "/api/v1/ticket", 201, "application/json", answer.json())
        session = await Tickets(world.redis).redeem(answer.json()["ticket"])
        assert session is not None
        assert (session.principal.id, session.principal.tenant, session.ends) == ("rara", "kopi", expires)
        for wrong in (shown(answer.json()["ticket"]), {}):
            assert (await ask(site, "POST", "/api/v1/ticket", **wrong)).status_code == 401


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("path", ["/api/crew", "/api/v1/executions/{execution}/events?after=1&wait=60"])
async def test_a_wait_ends_with_what_opened_it(
    world: World, monkeypatch: pytest.MonkeyPatch, revoked: bool, path: str
) -> None:
    """The call that waits for the end, and the one that waits for the next event; what it waited for goes on."""
    monkeypatch.setattr("server.auth.doorman.NOTICED", 0.05)
    apikeys = ApiKeys(world.redis)
    secret, made = await apikeys.create("nightly", "kopi", [Role.OPERATOR])
    admin = shown(token(roles=["admin"]))
    async with running_rest(world, auth=ASKING) as site, anyio.create_task_group() as tasks:
        started = (await ask(site, "POST", "/api/v1/executions", START, **admin)).json()["execution"]
        answers: list[httpx.Response] = []

        async def wait() -> None:
            body = {"message": "tea"} if path == "/api/crew" else None
            headers = shown(secret if revoked else token(exp=int(time.time()) + 4))
            method, where = ("POST" if body else "GET"), path.format(execution=started)
            answers.append(await ask(site, method, where, body, **headers))

        tasks.start_soon(wait)
        await wait_until(
            lambda: bool(site.compat.endings.waiting or site.places.outlets or answers), description="it waits"
        )
        assert not answers
        if revoked:
            await apikeys.revoke(made.id)
        await wait_until(lambda: bool(answers), description="it waits no longer")
        assert (answers[0].status_code, answers[0].headers["www-authenticate"]) == (401, "Bearer")
        assert "expired" in answers[0].text
        assert (site.compat.endings.waiting, site.places.outlets) == (set(), set())
        await wait_until(lambda: site.hub.channels == 0, description="nothing is watched")
        items = (await ask(site, "GET", "/api/v1/executions", **admin)).json()["items"]
        assert {item["state"] for item in items} == {"queued"}
        if path == "/api/crew":
            assert answers[0].json()["execution_id"] in {item["id"] for item in items}
        for item in items:
            await ask(site, "POST", f"/api/v1/executions/{item['id']}/cancel", **admin)


@pytest.mark.parametrize("revoked", [False, True])
async def test_a_stream_ends_with_what_opened_it(world: World, monkeypatch: pytest.MonkeyPatch, revoked: bool) -> None:
    monkeypatch.setattr("server.auth.doorman.NOTICED", 0.05)
    apikeys = ApiKeys(world.redis)
    secret, made = await apikeys.create("nightly", "kopi", [Role.OPERATOR])
    async with running_rest(world, auth=ASKING) as site:
        started = await ask(site, "POST", "/api/v1/executions", START, **shown(secret))
        path = f"/executions/{started.json()['execution']}"
        headers = {**STREAM, **shown(secret if revoked else token(exp=int(time.time()) + 2))}
        with anyio.fail_after(10):
            async with site.client.stream("GET", f"{path}/events", headers=headers) as answer:
                assert answer.status_code == 200
                if revoked:
                    await apikeys.revoke(made.id)
                lines = [line async for line in answer.aiter_lines()]
        assert any("execution.queued" in line for line in lines)
        cancelled = await ask(site, "POST", f"/api/v1{path}/cancel", **shown(token(roles=["admin"])))
        assert cancelled.status_code == 200
