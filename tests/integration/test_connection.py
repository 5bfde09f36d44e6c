"""What a client gets on the socket: the handshake, replies and errors, watching, limits, and the end."""

import anyio
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from protocol.ids import ExecutionId
from tests.support.edge import receive, running_site

X = ExecutionId("x_1")


async def closed(client: ClientConnection) -> tuple[int, str]:
    """Read until the server has closed; its code and reason."""
    with anyio.fail_after(10):
        try:
            while True:
                await client.recv()
        except ConnectionClosed:
            assert client.close_code is not None
            return client.close_code, client.close_reason or ""


async def test_welcomes_first(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        frame = await receive(client)
        assert client.subprotocol is None
        assert frame["type"] == "welcome"
        assert (frame["protocol"], frame["auth"], frame["crews"], frame["heartbeat"]) == (1, "open", ["demo"], 25)
        assert frame["principal"] == {"id": "local", "name": "You"}
        assert frame["limits"] == {"frame": 65536, "watches": 100, "commands_per_10s": 200}


async def test_start_replies_first_and_then_sends_the_events_from_the_start(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await receive(client, "welcome")
        await client.send('{"type":"start","id":1,"crew":"1"}')
        assert await receive(client) == {
            "type": "reply", "re": 1, "data": {"execution": X, "epoch": "e1", "offset": 1}
        }  # fmt: skip
        assert (await receive(client))["offset"] == 1
        assert (await receive(client))["type"] == "synced"
        await site.edge.log.append(X)
        assert (await receive(client))["offset"] == 2


async def test_watch_replies_with_where_the_log_stands(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await site.edge.log.append_many(X, 3)
        await receive(client, "welcome")
        await client.send('{"type":"watch","id":"w","execution":"x_1","after":{"epoch":"e1","offset":2}}')
        reply = await receive(client)
        assert reply["data"] == {
            "recovered": True, "epoch": "e1", "first": 1, "last": 3, "state": "running", "checkpoints": []
        }  # fmt: skip
        assert (await receive(client))["offset"] == 3
        assert await receive(client) == {"type": "synced", "execution": X, "epoch": "e1", "offset": 3}


async def test_drains_with_bye_and_4200(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await receive(client, "welcome")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(site.endpoint.drain)
            bye = await receive(client, "bye")
            assert (bye["code"], bye["reason"], bye["resume"]) == (4200, "draining", True)
            assert await closed(client) == (4200, "draining")
        assert not site.endpoint.connections
