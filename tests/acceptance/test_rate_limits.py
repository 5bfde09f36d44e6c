"""Too much from one address is refused at every door, by all web processes together, with a time to come back."""

from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.client import Client, Frame
from tests.support.http import Answer, ask
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller
from tests.support.tokens import AUTH, token

LIMITS = "address.connects=3/minute,address.starts=2/minute,address.commands=20/minute"


@pytest.fixture(scope="module")
def limited(tales: Storyteller) -> Iterator[Stack]:
    with installed(tales.server.url, webs=2, settings={"QUARTERDECK_RATE_LIMITS": LIMITS}) as stack:
        anyio.run(stack.mend)
        yield stack


def of(address: str) -> dict[str, str]:
    """Come from an address, as a proxy on this machine tells it."""
    return {"x-forwarded-for": address}


async def request(
    stack: Stack, address: str, method: str, path: str, body: Any = None, web: int = 0, **headers: str
) -> Answer:
    return await anyio.to_thread.run_sync(ask, stack.webs[web].port, method, path, body, of(address) | headers)


async def farewell(stack: Stack, address: str, web: int) -> tuple[Frame, int]:
    """Connect where it is too much: what is said, and the close code."""
    url = f"ws://127.0.0.1:{stack.webs[web].port}/ws"
    async with connect(url, proxy=None, additional_headers=of(address)) as socket:
        client = Client(socket)
        said = await client.receive()
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive()
        assert closed.value.rcvd is not None
        return said, closed.value.rcvd.code


async def test_connections_from_one_address(limited: Stack) -> None:
    here = "203.0.113.1"
    for number in range(3):
        async with limited.connect(number % 2, additional_headers=of(here)) as client:
            assert await client.command("ping")
    for web in range(2):
        said, code = await farewell(limited, here, web)
        assert (said["type"], said["code"], code) == ("bye", 4129, 4129)
        assert 1 <= said["after"] <= 120
    async with limited.connect(additional_headers=of("203.0.113.2")) as client:
        assert await client.command("ping")


async def test_starts_by_every_door(limited: Stack, topic: str) -> None:
    here, body = "203.0.113.3", {"crew": "story", "inputs": {"topic": topic}}
    assert (await request(limited, here, "POST", "/api/v1/executions", body)).status == 201
    assert (await request(limited, here, "POST", "/api/crew/execute", body | {"message": topic}, web=1)).status == 200
    refused = await request(limited, here, "POST", "/api/v1/executions", body, web=1)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert "Too many starts" in refused.json["detail"]
    polled = await request(limited, here, "POST", "/api/crew/execute", body | {"message": topic})
    assert polled.status == 429
    assert "Too many starts" in polled.json["detail"]
    async with limited.connect(additional_headers=of(here)) as client:
        error = await client.refused("start", **body)
        assert (error["code"], error["retry"]) == ("rate_limited", True)
        assert error["retry_after"] >= 1
        assert await client.command("list", what="executions")


async def test_commands_whatever_they_are(limited: Stack) -> None:
    here = "203.0.113.4"
    async with limited.connect(additional_headers=of(here)) as client:
        for _ in range(10):
            assert "items" in await client.command("list", what="crews")
            assert "checkpoints" in await client.command("watch", inbox=True)
        for name, fields in (("list", {"what": "crews"}), ("watch", {"inbox": True}), ("watch", {"execution": "x_1"})):
            assert (await client.refused(name, **fields))["code"] == "rate_limited"
        assert await client.command("ping"), "the connection goes on"
    assert (await request(limited, here, "GET", "/api/v1/executions/x_1/events")).status == 429
    assert (await request(limited, here, "POST", "/api/v1/ticket")).status == 429
    assert (await request(limited, here, "GET", "/inputs")).status == 429
    assert (await request(limited, here, "POST", "/api/crew", {"message": "tea"})).status == 429
    assert (await request(limited, here, "GET", "/healthz")).status == 200


async def test_failing_to_say_who_one_is(tales: Storyteller) -> None:
    """Over HTTP, on the socket and by a ticket, together: then who fails is told to wait, and what is good opens."""
    settings = {**AUTH, "QUARTERDECK_RATE_LIMITS": "address.failures=6/hour"}
    with installed(tales.server.url, webs=2, settings=settings) as stack:
        await stack.mend()
        here, wrong = of("203.0.113.20"), {"authorization": "Bearer wrong"}
        good = {"authorization": f"Bearer {token(roles=['viewer'])}"}
        ports = [web.port for web in stack.webs]

        async def crews(headers: dict[str, str], web: int = 0) -> Answer:
            return await anyio.to_thread.run_sync(ask, ports[web], "GET", "/api/v1/crews", None, headers)

        for web in range(2):
            assert (await crews(here | wrong, web)).status == 401
            async with stack.connect(web, additional_headers=here) as client:
                assert (await client.refused("auth", token="wrong"))["code"] == "unauthenticated"
            with pytest.raises(InvalidStatus) as answer:
                await connect(f"ws://127.0.0.1:{ports[web]}/ws?ticket=qdt_0", proxy=None, additional_headers=here)
            assert answer.value.response.status_code == 401
        for web in range(2):
            refused = await crews(here | wrong, web)
            assert (refused.status, refused.json["code"]) == (429, "rate_limited")
            assert 1 <= int(refused.headers["retry-after"]) <= 7200
            with pytest.raises(InvalidStatus) as answer:
                await connect(f"ws://127.0.0.1:{ports[web]}/ws?ticket=qdt_0", proxy=None, additional_headers=here)
            assert answer.value.response.status_code == 429
            assert 1 <= int(answer.value.response.headers["retry-after"]) <= 7200
            async with stack.connect(web, additional_headers=here) as client:
                await client.send({"type": "auth", "id": 1, "token": "wrong"})
                said = await client.receive()
                assert (said["type"], said["code"]) == ("bye", 4129)
            assert (await crews(here | good, web)).status == 200
            async with stack.connect(web, additional_headers=here) as client:
                assert await client.command("auth", token=token(roles=["viewer"]))
            made = await request(stack, "203.0.113.20", "POST", "/api/v1/ticket", web=web, **good)
            url = f"ws://127.0.0.1:{ports[web]}/ws?ticket={made.json['ticket']}"
            async with connect(url, proxy=None, additional_headers=here) as socket:
                assert (await Client(socket).receive())["auth"] == "done"
            assert (await crews(here, web)).status == 401
            assert (await crews(of("203.0.113.21") | good, web)).status == 200


async def test_each_principal_counts_by_itself_wherever_it_comes_from(tales: Storyteller) -> None:
    settings = {**AUTH, "QUARTERDECK_RATE_LIMITS": "connects=2/minute,address.connects=1000/minute"}
    with installed(tales.server.url, webs=2, settings=settings) as stack:
        await stack.mend()
        for number in range(2):
            async with stack.connect(number, additional_headers=of(f"203.0.113.{number}")) as client:
                assert await client.command("auth", token=token(sub="rara", roles=["viewer"]))
                assert await client.command("auth", token=token(sub="rara", roles=["viewer"])), "it is no other"
        async with stack.connect(1) as client:
            await client.send({"type": "auth", "id": 1, "token": token(sub="rara", roles=["viewer"])})
            said = await client.receive()
            assert (said["type"], said["code"]) == ("bye", 4129)
            assert said["after"] >= 1
        async with stack.connect(1) as client:
            assert await client.command("auth", token=token(sub="dimas", roles=["viewer"]))
