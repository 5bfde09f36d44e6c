"""Who may speak, on a whole installation: tokens, keys, tickets, tenants, roles, the clients and the command line."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from redis.asyncio import Redis

from protocol.client import AsyncClient, CommandError, Unauthenticated
from protocol.ids import new_id
from server.auth import Role
from server.store.apikeys import ApiKeys
from tests.support.client import Client, Refusal, connected
from tests.support.http import Answer, ask
from tests.support.processes import ROOT, environment
from tests.support.site import STREAM
from tests.support.stack import Stack
from tests.support.story import Storyteller, told
from tests.support.tokens import AUTH, SECRET, token
from tests.support.waiting import wait_until

RARA: dict[str, Any] = {"sub": "rara", "roles": ["operator", "approver"]}
STRANGER: dict[str, Any] = {"sub": "rara", "tenant": "teh", "roles": ["admin"]}


@pytest.fixture(scope="module")
def site(tales: Storyteller) -> Iterator[Stack]:
    """An installation that asks everybody."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        stack = Stack(Path(folder), tales.server.url, settings=AUTH)
        try:
            anyio.run(stack.mend)
            yield stack
            for process in stack.processes:
                assert SECRET not in process.err
            assert "Traceback" not in stack.webs[0].err
        finally:
            stack.stop()


@asynccontextmanager
async def speaking(stack: Stack, **claims: Any) -> AsyncIterator[Client]:
    """Connect, and say who it is."""
    async with stack.connect() as client:
        await client.command("auth", token=token(**claims))
        yield client


async def over_http(stack: Stack, method: str, path: str, body: Any = None, **claims: Any) -> Answer:
    headers = {"authorization": f"Bearer {token(**claims)}"} if claims else {}
    return await anyio.to_thread.run_sync(ask, stack.port, method, path, body, headers)


async def test_a_crew_is_run_and_answered_by_those_who_may(site: Stack, topic: str) -> None:
    """An operator starts and may not approve for others; an approver answers; a viewer sees both, and who it was."""
    async with (
        speaking(site, sub="vera", name="Vera", roles=["viewer"]) as viewer,
        speaking(site, sub="oka", name="Oka", roles=["operator"]) as operator,
        speaking(site, sub="adi", name="Adi", roles=["approver"]) as approver,
    ):
        assert viewer.frames[0]["auth"] == "required"
        start = {"crew": "story", "inputs": {"topic": topic}, "checkpoints": ["agree"]}
        for one in (viewer, approver):
            refused = await one.refused("start", **start)
            assert (refused["code"], refused["detail"]["roles"]) == ("forbidden", ["operator", "admin"])
        execution = (await operator.command("start", **start))["execution"]
        for one in (viewer, approver):
            await one.command("watch", execution=execution)
        draft = await approver.question(execution, "agree")
        assert (await viewer.refused("cancel", execution=execution))["code"] == "forbidden"
        with pytest.raises(Refusal):
            await viewer.decide(draft, "approve")
        await approver.decide(draft, "approve")
        assert (await viewer.end(execution))["data"]["output"] == told("publish", topic)
        decided = await viewer.find("checkpoint.decided", execution)
        assert decided["by"] == {"id": "adi", "name": "Adi"}
        read = await viewer.command("get", execution=execution)
        assert read["execution"]["owner"] == {"id": "oka", "name": "Oka"}


async def test_two_tenants_see_nothing_of_each_other(site: Stack, topic: str) -> None:
    """On the socket and at every door; even with the id in hand, and with every role."""
    async with speaking(site, **RARA) as mine, speaking(site, **STRANGER) as theirs:
        await theirs.command("watch", inbox=True)
        start = {"crew": "story", "inputs": {"topic": topic}, "checkpoints": ["agree"], "conversation": topic}
        execution = (await mine.command("start", **start))["execution"]
        draft = await mine.question(execution, "agree")
        at = {"execution": execution, "checkpoint": draft["id"]}
        commands: list[tuple[str, dict[str, Any]]] = [
            ("get", {"execution": execution}), ("watch", {"execution": execution}),
            ("cancel", {"execution": execution}),
            ("decide", {**at, "action": "approve"}),
            ("comment", {**at, "text": "?"}), ("extend", {**at, "seconds": 60}), ("fork", {**at, "action": "approve"}),
            ("view", {**at, "state": "viewing"}), ("say", {"conversation": topic, "text": "?"}),
        ]  # fmt: skip
        for name, fields in commands:
            assert (await theirs.refused(name, **fields))["code"] == "not_found", name
        for what in ("executions", "checkpoints", "conversations"):
            assert (await theirs.command("list", what=what))["items"] == [], what
        path = f"/api/v1/executions/{execution}"
        body = {"execution_id": execution, "checkpoint_id": "agree", "action": "continue"}
        doors: list[tuple[str, str, Any]] = [
            ("GET", path, None), ("GET", f"{path}/events", None), ("GET", f"{path}/files/story.md", None),
            ("POST", f"{path}/checkpoints/{draft['id']}/decision", {"action": "approve"}),
            ("GET", f"/api/crew/status/{execution}", None), ("GET", f"/status/{execution}", None),
            ("POST", "/api/crew/feedback", body), ("DELETE", f"/api/crew/execution/{execution}", None),
        ]  # fmt: skip
        for method, where, content in doors:
            assert (await over_http(site, method, where, content, **STRANGER)).status == 404, where
        headers = {**STREAM, "authorization": f"Bearer {token(**STRANGER)}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.port}") as http:
            assert (await http.get(f"{path}/events", headers=headers)).status_code == 404
        await mine.decide(draft, "approve")
        await mine.end(execution)
        await theirs.command("ping")
        assert theirs.events(execution) == [], "the inbox tells nothing of it either"


async def test_the_connection_ends_with_the_token_and_another_prolongs_it(site: Stack) -> None:
    async with speaking(site, exp=int(time.time()) + 2, **RARA) as short:
        assert await short.closed() == (4101, "auth_expired")
        (bye,) = [frame for frame in short.frames if frame["type"] == "bye"]
        assert bye["resume"]
    async with speaking(site, exp=int(time.time()) + 2, **RARA) as long:
        prolonged = await long.command("auth", token=token(**RARA))
        assert prolonged["principal"]["id"] == "rara"
        with anyio.move_on_after(2.5):
            await long.closed()
            raise AssertionError("closed, though it was prolonged")
        assert await long.command("ping")


@pytest.mark.timeout(60)
async def test_who_does_not_say_it_is_left_after_ten_seconds(site: Stack) -> None:
    began = time.monotonic()
    async with site.connect() as silent:
        assert (await silent.refused("list", what="crews"))["code"] == "unauthenticated"
        assert (await silent.refused("auth", token="nonsense"))["code"] == "unauthenticated"
        assert await silent.closed() == (4104, "auth_timeout")
    assert 9 < time.monotonic() - began < 20


async def test_a_ticket_is_good_once(site: Stack) -> None:
    answer = await over_http(site, "POST", "/api/v1/ticket", **RARA)
    assert answer.status == 201
    ticket = answer.json["ticket"]
    async with connected(site.port, query=f"?ticket={ticket}") as client:
        assert (client.frames[0]["auth"], client.frames[0]["principal"]["id"]) == ("done", "rara")
        assert await client.command("list", what="crews")
    for query in (f"?ticket={ticket}", "?ticket=made-up", f"?token={token(**RARA)}"):
        with pytest.raises(Exception, match="HTTP 4"):
            async with connected(site.port, query=query):
                pass


async def test_an_api_key_works_until_it_is_revoked(site: Stack, topic: str) -> None:
    async with Redis(unix_socket_path=site.valkey.socket) as redis:
        apikeys = ApiKeys(redis)
        secret, made = await apikeys.create("nightly", "kopi", [Role.OPERATOR])
        async with site.connect() as client:
            assert (await client.command("auth", token=secret))["principal"]["name"] == "nightly"
            assert await client.command("start", crew="story", inputs={"topic": topic})
        headers = {"authorization": f"Bearer {secret}"}
        assert ask(site.port, "GET", "/api/v1/crews", None, headers).status == 200
        await apikeys.revoke(made.id)
        assert ask(site.port, "GET", "/api/v1/crews", None, headers).status == 401
        async with site.connect() as client:
            assert (await client.refused("auth", token=secret))["code"] == "unauthenticated"


async def test_the_python_client_says_who_it_is_on_every_connection(site: Stack, topic: str) -> None:
    """A token that runs out in the middle of a run is asked for anew, and nothing is missed."""
    lives, given = [2, 600, 600], 0

    def newer() -> str:
        nonlocal given
        given += 1
        return token(exp=int(time.time()) + lives[min(given, len(lives)) - 1], **RARA)

    async with AsyncClient(f"http://127.0.0.1:{site.port}", token=newer) as client:
        started = await client.start("story", {"topic": topic}, checkpoints=["agree"])
        offsets: list[int] = []
        async with client.watch(started.execution) as frames:
            with anyio.fail_after(60):
                async for frame in frames:
                    offset = getattr(frame, "offset", None)
                    if offset is not None:
                        offsets.append(offset)
                    if type(getattr(frame, "data", None)).__name__ == "CheckpointOpened":
                        await wait_until(lambda: given == 2, description="the server ends the connection", timeout=30)
                        await client.decide(frame.data.checkpoint, "approve")  # type: ignore[union-attr]
    assert offsets == list(range(1, len(offsets) + 1))
    assert given == 2
    async with AsyncClient(f"http://127.0.0.1:{site.port}", token=lambda: "wrong", timeout=20) as client:
        with pytest.raises(Unauthenticated):
            await client.crews()
    async with AsyncClient(f"http://127.0.0.1:{site.port}", timeout=20) as client:
        with pytest.raises(Unauthenticated):
            await client.crews()
    viewer: dict[str, Any] = {"sub": "vera", "roles": ["viewer"]}
    async with AsyncClient(f"http://127.0.0.1:{site.port}", token=lambda: token(**viewer)) as client:
        with pytest.raises(CommandError) as refused:
            await client.start("story", {"topic": topic})
        assert refused.value.code == "forbidden"


def shell(site: Stack, *words: str, code: int = 0, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Give a command in a process of its own."""
    environ = {
        **environment(site.folder), **AUTH, "QUARTERDECK_REDIS_URL": site.valkey.url,
        "QUARTERDECK_URL": f"http://127.0.0.1:{site.port}", "COLUMNS": "200", **settings,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "server", *words], env=environ, capture_output=True, text=True, timeout=60, check=False,
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_keys_from_the_command_line(site: Stack) -> None:
    name = new_id("key")
    made = json.loads(shell(site, "keys", "create", name, "-r", "viewer", "--tenant", "kopi", "--json").stdout)
    listed = [json.loads(line) for line in shell(site, "keys", "list", "--json").stdout.splitlines()]
    (mine,) = [key for key in listed if key["name"] == name]
    assert (mine["id"], mine["tenant"], mine["roles"]) == (made["id"], "kopi", ["viewer"])
    assert made["key"] not in shell(site, "keys", "list").stdout
    assert "story" in shell(site, "crews", QUARTERDECK_TOKEN=made["key"]).stdout
    refused = shell(site, "run", "story", "topic=tea", code=4, QUARTERDECK_TOKEN=made["key"])
    assert "`operator`" in refused.stderr
    assert "QUARTERDECK_TOKEN" in shell(site, "crews", code=4).stderr
    shell(site, "keys", "revoke", made["id"])
    assert "QUARTERDECK_TOKEN" in shell(site, "crews", code=4, QUARTERDECK_TOKEN=made["key"]).stderr
    shell(site, "keys", "revoke", made["id"], code=1)
    for wrong in (["-r", "king"], ["--tenant", "a:b"], ["--days", "nan"], ["--days", "0"]):
        assert len(shell(site, "keys", "create", "x", *wrong, code=2).stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_beyond_this_machine_it_asks_or_does_not_start(command: str, tmp_path: Path) -> None:
    environ = {**environment(tmp_path), "QUARTERDECK_HOST": "0.0.0.0", "PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "server", command], env=environ, capture_output=True, text=True, timeout=60, check=False,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "--insecure" in line
    assert "QUARTERDECK_AUTH_KEY" in line
    assert os.listdir(tmp_path) == [], "nothing was begun"
