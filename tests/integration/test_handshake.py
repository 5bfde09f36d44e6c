"""Who may connect, and what a connection speaks."""

from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from protocol.frames import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL
from protocol.ids import ExecutionId
from server.connection import Policy
from tests.support.edge import closed, receive, running_site
from tests.support.edge_log import event_template

X = ExecutionId("x_1")


async def test_never_echoes_a_subprotocol_that_was_not_offered(redis: Redis) -> None:
    offered = [Subprotocol("other"), Subprotocol(JSON_SUBPROTOCOL)]
    async with running_site(redis) as site, site.connect(subprotocols=offered) as client:
        assert client.subprotocol == JSON_SUBPROTOCOL
        assert (await receive(client))["type"] == "welcome"


async def test_only_unknown_subprotocols_are_accepted_and_closed_with_4006(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect(subprotocols=[Subprotocol("other")]) as client:
        assert client.subprotocol is None
        bye = await receive(client)
        assert (bye["type"], bye["code"], bye["resume"]) == ("bye", 4006, False)
        assert await closed(client) == (4006, "unsupported_protocol")


@pytest.mark.parametrize(
    ("origins", "origin", "admitted"),
    [
        ([], None, True),
        ([], "http://127.0.0.1:PORT", True),
        ([], "http://127.0.0.1:1", False),
        ([], "http://evil.example", False),
        ([], "null", False),
        (["https://app.example"], "https://app.example", True),
        (["https://app.example"], "http://127.0.0.1:PORT", True),
        (["https://app.example"], "https://b.example", False),
        (["https://app.example"], None, True),
        ([], "http://127.0.0.1", False),
    ],
)
async def test_only_known_origins_may_connect(
    redis: Redis, origins: list[str], origin: str | None, admitted: bool
) -> None:
    async with running_site(redis, policy=Policy(origins=origins)) as site:
        named = Origin(origin.replace("PORT", str(site.port))) if origin else None
        if admitted:
            async with site.connect(origin=named) as client:
                assert (await receive(client))["type"] == "welcome"
        else:
            with pytest.raises(InvalidStatus) as refused:
                await site.connect(origin=named)
            assert refused.value.response.status_code == 403


async def test_speaks_msgpack_when_asked_to(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect(subprotocols=[Subprotocol(MSGPACK_SUBPROTOCOL)]) as client:

        async def read() -> dict[str, Any]:
            message = await client.recv()
            assert isinstance(message, bytes)
            frame: dict[str, Any] = msgspec.msgpack.decode(message)
            return frame

        assert (await read())["type"] == "welcome"
        await client.send(msgspec.msgpack.encode({"type": "start", "id": 1, "crew": "1"}))
        assert (await read())["re"] == 1
        assert (await read())["offset"] == 1
        assert (await read())["type"] == "synced"
        huge = f'{{"step":"s","reason":"r","count":{2**70}}}'
        await site.edge.log.append(X, event_template(X, "journal.missed", huge))
        assert (await read())["data"]["count"] == float(2**70)
        await client.send("text")
        assert (await read())["code"] == 1003
