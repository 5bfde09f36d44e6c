"""Saying who one is on the socket: the token, the time for it, its end, another one, and tickets."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from protocol.commands import AnyCommand, List
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server.auth import OPEN, Principal, Role, Session, doorman
from server.auth.doorman import Doorman
from server.connection import Policy
from server.store.apikeys import ApiKeys
from server.store.tickets import Tickets
from tests.support.doors import ASKING
from tests.support.edge import Site, closed, receive, running_site
from tests.support.tokens import token
from tests.support.waiting import wait_until

#: In the one tenant that this site has.
HOME: dict[str, Any] = {"tenant": None}


@asynccontextmanager
async def asking(redis: Redis, *, limit: float = 10.0) -> AsyncIterator[Site]:
    policy = Policy(auth_limit=limit)
    async with running_site(redis, policy=policy, auth=ASKING) as site:
        yield site


async def tell(client: ClientConnection, **command: Any) -> dict[str, Any]:
    """Send a command, and give its answer."""
    await client.send(msgspec.json.encode({"id": 1, **command}).decode())
    while (frame := await receive(client))["type"] not in ("reply", "error"):
        pass
    return frame


async def test_open_mode_says_so_and_takes_no_token(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        welcome = await receive(client)
        assert (welcome["auth"], welcome["principal"]) == ("open", {"id": "local", "name": "You"})
        assert (await tell(client, type="auth", token="t"))["code"] == "forbidden"
        await tell(client, type="list", what="crews")
    assert site.dispatch.principals == [OPEN]


async def test_nothing_is_done_before_it_is_known_for_whom(redis: Redis) -> None:
    async with asking(redis) as site, site.connect() as client:
        welcome = await receive(client)
        assert welcome["auth"] == "required"
        assert "principal" not in welcome
        assert welcome["crews"] == [], "what there is is told to those who may know it"
        commands: list[dict[str, Any]] = [
            {"type": "list", "what": "crews"}, {"type": "start", "crew": "demo"}, {"type": "ping"},
            {"type": "watch", "execution": "x_1"}, {"type": "watch", "inbox": True},
            {"type": "get", "execution": "x_1"}, {"type": "unwatch", "inbox": True},
        ]  # fmt: skip
        for command in commands:
            assert (await tell(client, **command))["code"] == "unauthenticated"
        assert site.dispatch.handled == []
        assert site.dispatch.principals == []
        bad = await tell(client, type="auth", token=token(exp=1))
        assert (bad["code"], bad["message"], bad["retry"]) == ("unauthenticated", "The token has expired.", False)
        good = await tell(client, type="auth", token=token(**HOME))
        assert good["data"]["principal"] == {"id": "rara", "name": "Rara"}
        assert (good["data"]["tenant"], good["data"]["roles"]) == ("open", ["operator"])
        assert good["data"]["expires_at"].endswith("Z")
        await tell(client, type="list", what="crews")
    (rara,) = site.dispatch.principals
    assert rara == Principal("rara", "Rara", "open", frozenset({Role.OPERATOR}))


async def test_who_says_nothing_is_left(redis: Redis) -> None:
    async with asking(redis, limit=0.1) as site, site.connect() as client:
        await client.send('{"type":"auth","token":"nonsense"}')
        bye = await receive(client, "bye")
        assert (bye["code"], bye["reason"], bye["resume"]) == (4104, "auth_timeout", True)
        assert await closed(client) == (4104, "auth_timeout")


async def test_who_has_said_so_is_not_left(redis: Redis) -> None:
    async with asking(redis, limit=0.2) as site, site.connect() as client, site.connect() as silent:
        await tell(client, type="auth", token=token(**HOME))
        assert await closed(silent) == (4104, "auth_timeout")
        assert (await tell(client, type="ping"))["type"] == "reply"


async def test_the_connection_ends_with_the_token(redis: Redis) -> None:
    async with asking(redis) as site, site.connect() as client:
        expires = int(time.time()) + 2
        await tell(client, type="auth", token=token(exp=expires, **HOME))
        bye = await receive(client, "bye")
        assert time.time() >= expires
        assert (bye["code"], bye["reason"], bye["resume"]) == (4101, "auth_expired", True)
        assert await closed(client) == (4101, "auth_expired")


async def test_what_waits_at_the_end_is_not_carried_out(redis: Redis) -> None:
    async with asking(redis) as site, site.connect() as client:
        await tell(client, type="auth", token=token(exp=int(time.time()) + 4, **HOME))
        handle, free = site.dispatch.handle, anyio.Event()

        async def slow(command: AnyCommand, principal: Principal) -> dict[str, Any]:
            await free.wait()
            return await handle(command, principal)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(site.dispatch, "handle", slow)
            for limit in (1, 2, 3):
                await client.send(f'{{"type":"list","what":"crews","limit":{limit}}}')
            assert (await receive(client, "bye"))["code"] == 4101
            free.set()
            await wait_until(lambda: not site.endpoint.connections, description="the connection is over")
        assert site.dispatch.handled == [List(what="crews", limit=1)]


async def test_a_connection_too_many_does_nothing(redis: Redis) -> None:
    heard = anyio.Event()

    async def refuse(principal: str) -> None:
        await heard.wait()
        raise Refused(ErrorCode.RATE_LIMITED, "Too many.", retry_after=3)

    async with running_site(redis, admit=refuse) as site, site.connect() as client:
        for _ in range(3):
            await client.send('{"type":"start","crew":"demo"}')
        await (await client.ping())
        heard.set()
        bye = await receive(client)
        assert (bye["type"], bye["code"], bye["after"]) == ("bye", 4129, 3)
        await wait_until(lambda: not site.endpoint.connections, description="the connection is over")
        assert site.dispatch.handled == []


async def test_who_is_known_is_not_left_for_what_a_neighbour_does(redis: Redis) -> None:
    async with asking(redis) as site, site.connect() as client, site.connect() as other:
        await tell(client, type="auth", token=token(**HOME))

        async def refuse(door: Doorman, secret: str) -> Session:
            raise Refused(ErrorCode.RATE_LIMITED, "Too many failed.", retry_after=3)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Doorman, "admit", refuse)
            refused = await tell(client, type="auth", token=token(**HOME))
            assert (refused["code"], refused["retry_after"]) == ("rate_limited", 3)
            await other.send(msgspec.json.encode({"type": "auth", "token": token(**HOME)}).decode())
            assert await closed(other) == (4129, "rate_limited")
        assert (await tell(client, type="ping"))["type"] == "reply"


async def test_a_newer_token_prolongs_it_and_watches_go_on(redis: Redis) -> None:
    async with asking(redis) as site, site.connect() as client:
        expires = int(time.time()) + 1
        await tell(client, type="auth", token=token(exp=expires, **HOME))
        await tell(client, type="start", crew="demo")
        assert (await tell(client, type="auth", token=token(**HOME)))["type"] == "reply"
        await wait_until(lambda: time.time() > expires + 0.2, description="the first token has expired")
        await site.edge.log.append(ExecutionId("x_demo"))
        assert (await receive(client, "journal.missed"))["execution"] == "x_demo"
        assert (await tell(client, type="ping"))["type"] == "reply"


@pytest.mark.parametrize("other", [{"sub": "dimas"}, {"tenant": "teh"}])
async def test_a_connection_stays_one_principals(redis: Redis, other: dict[str, Any]) -> None:
    async with asking(redis) as site, site.connect() as client:
        await tell(client, type="auth", token=token(**HOME))
        refused = await tell(client, type="auth", token=token(**{**HOME, **other}))
        assert refused["code"] == "forbidden"
        assert (await tell(client, type="auth", token="worse"))["code"] == "unauthenticated"
        await tell(client, type="list", what="crews")
    assert [each.id for each in site.dispatch.principals] == ["rara"]


async def test_roles_that_are_taken_away_end_the_watches(redis: Redis) -> None:
    async with asking(redis) as site, site.connect() as client:
        await tell(client, type="auth", token=token(**HOME))
        await tell(client, type="start", crew="demo")
        await receive(client, "synced")
        await tell(client, type="auth", token=token(roles=[], **HOME))
        assert len(site.dispatch.left) == 1, "nor is it seen any more what they look at"
        await site.edge.log.append(ExecutionId("x_demo"))
        assert (await tell(client, type="ping"))["type"] == "reply"
        with anyio.move_on_after(0.3):
            frame = await receive(client)
            raise AssertionError(frame)


async def test_a_ticket_opens_one_connection(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    async with asking(redis) as site:
        session = Session(Principal("rara", "Rara", "open", frozenset({Role.VIEWER})), time.time() + 600)
        ticket = await Tickets(redis).issue(session)
        async with site.connect_at(f"?ticket={ticket}") as client:
            welcome = await receive(client)
            assert (welcome["auth"], welcome["principal"]) == ("done", {"id": "rara", "name": "Rara"})
            assert welcome["crews"] == ["demo"]
            await tell(client, type="list", what="crews")
        for wrong in (ticket, "qdt_none", "", token(), "qdk_1"):
            await refused(site, f"?ticket={wrong}", 401)
        assert site.dispatch.principals == [session.principal]
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "a refusal is no fault"


async def refused(site: Site, query: str, status: int) -> str:
    with pytest.raises(InvalidStatus) as answer:
        async with site.connect_at(query):
            pass
    assert answer.value.response.status_code == status
    return (answer.value.response.body or b"").decode()


async def test_who_shows_a_ticket_while_the_server_begins_to_leave_is_sent_away(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, may = anyio.Event(), anyio.Event()

    async def redeem(door: Doorman, ticket: str) -> Session:
        shown.set()
        await may.wait()
        return Session(Principal("rara", "Rara", "open", frozenset({Role.VIEWER})))

    monkeypatch.setattr(Doorman, "redeem", redeem)
    async with asking(redis) as site, anyio.create_task_group() as group:
        group.start_soon(refused, site, "?ticket=qdt_1", 503)
        await shown.wait()
        await site.endpoint.drain()
        may.set()


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "jwt", "Token", "ACCESS_TOKEN"])
async def test_a_token_in_a_url_is_refused(redis: Redis, name: str) -> None:
    async with asking(redis) as site:
        assert "ticket" in await refused(site, f"?{name}={token(**HOME)}", 422)


async def test_a_revoked_key_ends_its_connections(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.connection.endpoint.NOTICED", 0.05)
    assert doorman.NOTICED <= 60
    apikeys = ApiKeys(redis)
    secret, made = await apikeys.create("nightly", "open", [Role.OPERATOR])
    kept, _ = await apikeys.create("daily", "open", [Role.OPERATOR])
    async with (
        asking(redis) as site,
        site.connect() as client,
        site.connect() as other,
        anyio.create_task_group() as group,
    ):
        group.start_soon(site.endpoint.mind_keys)
        answer = await tell(client, type="auth", token=secret)
        assert answer["data"]["principal"] == {"id": made.id, "name": "nightly"}
        assert "expires_at" not in answer["data"]
        await tell(other, type="auth", token=kept)
        assert await apikeys.revoke(made.id)
        assert await closed(client) == (4101, "auth_expired")
        assert (await tell(other, type="ping"))["type"] == "reply"
        group.cancel_scope.cancel()


async def test_a_key_that_ends_ends_its_connections(redis: Redis) -> None:
    secret, _ = await ApiKeys(redis).create("short", "open", [Role.VIEWER], seconds=1)
    async with asking(redis) as site, site.connect() as client:
        assert (await tell(client, type="auth", token=secret))["type"] == "reply"
        assert await closed(client) == (4101, "auth_expired")
