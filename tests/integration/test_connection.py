"""What a client gets on the socket: the handshake, replies and errors, watching, limits, and the end."""

import anyio
import pytest
import structlog
from redis.asyncio import Redis
from structlog.testing import LogCapture
from websockets.asyncio.client import ClientConnection

from protocol.commands import View
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from server import outlet as outlets
from server.connection import Policy, connection
from server.outlet import pumped
from tests.support.edge import closed, receive, running_site
from tests.support.edge_log import event_template
from tests.support.raw import masked, raw_client
from tests.support.waiting import wait_until

X = ExecutionId("x_1")


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


async def test_who_looks_is_noted_until_the_connection_ends(redis: Redis) -> None:
    async with running_site(redis) as site:
        async with site.connect() as client:
            connection = (await receive(client, "welcome"))["connection"]
            await client.send('{"type":"view","id":1,"execution":"x_1","checkpoint":"cp_1","state":"editing"}')
            assert await receive(client) == {"type": "reply", "re": 1, "data": {}}
            assert isinstance(site.dispatch.handled[-1], View)
            assert await errors(client, '{"type":"view","id":2,"execution":"x_1","checkpoint":"cp_1","state":"asleep"}')
            assert not site.dispatch.left
        await wait_until(lambda: site.dispatch.left == [connection], description="it has left")


# Commands


async def errors(client: ClientConnection, *messages: str) -> list[tuple[object, str]]:
    found = []
    for message in messages:
        await client.send(message)
        frame = await receive(client)
        assert frame["type"] == "error"
        found.append((frame.get("re"), frame["code"]))
    return found


async def test_bad_input_is_answered_and_the_connection_stays(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await receive(client, "welcome")
        assert await errors(
            client, "", "no json", "[]", "1", "{}", '{"type":1}', '{"type":"nonsense","id":3}',
            '{"type":"ping","id":1.5}',
            '{"type":"watch","id":4,"execution":7}', '{"type":"ping","id":"five","extra":1}', '{"type":"watch","id":6}',
            '{"type":"watch","id":7,"execution":"x_1","inbox":true}', '{"type":"watch","id":8,"execution":"x_none"}',
            '{"type":"get","id":9,"execution":"x_1"}', '{"type":"get","execution":"x_1"}', "[" * 5000,
        ) == [
            (None, "bad_json"), (None, "bad_json"), (None, "bad_frame"), (None, "bad_frame"), (None, "bad_frame"),
            (None, "bad_frame"), (3, "bad_frame"), (None, "bad_field"), (4, "bad_field"), ("five", "bad_field"),
            (6, "bad_field"), (7, "bad_field"), (8, "not_found"), (9, "unknown_crew"), (None, "unknown_crew"),
            (None, "bad_json"),
        ]  # fmt: skip
        await client.send('{"type":"ping","id":10}')
        assert (await receive(client))["re"] == 10


async def test_a_refused_watch_leaves_nothing_behind(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await receive(client, "welcome")
        await errors(client, '{"type":"watch","id":1,"execution":"x_none"}')
        await wait_until(lambda: site.edge.hub.channels == 0, description="the channel is forgotten")


async def test_a_failing_command_is_an_internal_error_and_logged(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(command: object, principal: object) -> None:
        raise ZeroDivisionError("a secret detail")

    async with running_site(redis) as site, site.connect() as client:
        monkeypatch.setattr(site.dispatch, "handle", broken)
        logged = LogCapture()
        monkeypatch.setattr(connection, "log", structlog.wrap_logger(None, processors=[logged]))
        await receive(client, "welcome")
        await client.send('{"type":"get","id":1,"execution":"x_1"}')
        frame = await receive(client)
        assert (frame["re"], frame["code"], frame["retry"]) == (1, "internal", False)
        assert "secret" not in str(frame)
        (line,) = logged.entries
        assert (line["event"], line["command"], line["log_level"]) == ("command.failed", "get", "error")
        assert line["exc_info"]


async def test_a_command_that_takes_too_long_is_unavailable(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(command: object, principal: object) -> None:
        await anyio.sleep_forever()

    async with running_site(redis, policy=Policy(command_limit=0.05)) as site, site.connect() as client:
        monkeypatch.setattr(site.dispatch, "handle", never)
        await receive(client, "welcome")
        await client.send('{"type":"get","id":1,"execution":"x_1"}')
        frame = await receive(client)
        assert (frame["re"], frame["code"], frame["retry"]) == (1, "unavailable", True)


async def test_a_start_that_cannot_be_watched_has_one_reply_and_an_error_of_its_own(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object) -> None:
        raise Refused(ErrorCode.UNAVAILABLE, "Redis does not answer.")

    async with running_site(redis) as site, site.connect() as client:
        monkeypatch.setattr(site.edge.hub, "watch", unavailable)
        await receive(client, "welcome")
        await client.send('{"type":"start","id":1,"crew":"1"}')
        assert (await receive(client))["re"] == 1
        frame = await receive(client)
        assert (frame["type"], frame["code"], "re" in frame) == ("error", "unavailable", False)


async def test_too_many_commands_are_refused_with_a_time_to_wait(redis: Redis) -> None:
    async with running_site(redis, policy=Policy(commands_per_10s=5)) as site, site.connect() as client:
        assert (await receive(client))["limits"]["commands_per_10s"] == 5
        for number in range(5):
            await client.send('{"type":"pong"}')
            await client.send(f'{{"type":"ping","id":{number}}}')
            assert (await receive(client))["type"] == "reply"
        await client.send('{"type":"ping","id":5}')
        frame = await receive(client)
        assert (frame["re"], frame["code"], frame["retry"]) == (5, "rate_limited", True)
        assert 0 < frame["retry_after"] <= 2


async def test_too_many_watches_are_refused(redis: Redis) -> None:
    async with running_site(redis, policy=Policy(watches=2)) as site, site.connect() as client:
        await receive(client, "welcome")
        for crew in "12":
            await client.send(f'{{"type":"start","crew":"{crew}"}}')
            await receive(client, "synced")
        assert await errors(client, '{"type":"start","id":3,"crew":"3"}') == [(3, "over_quota")]
        await client.send('{"type":"watch","execution":"x_1"}')
        assert (await receive(client, "synced"))["offset"] == 1, "watching again takes no second place"
        await client.send('{"type":"unwatch","id":4,"execution":"x_1"}')
        assert await receive(client) == {"type": "reply", "re": 4, "data": {}}
        await client.send('{"type":"start","crew":"3"}')
        await receive(client, "synced")
        await site.edge.log.append(X)
        await site.edge.log.append(ExecutionId("x_3"))
        assert (await receive(client))["execution"] == "x_3"


async def test_the_inbox_is_replied_to_and_then_live(redis: Redis) -> None:
    async with running_site(redis) as site, site.connect() as client:
        await receive(client, "welcome")
        await client.send('{"type":"watch","id":1,"inbox":true}')
        assert await receive(client) == {"type": "reply", "re": 1, "data": {"checkpoints": []}}
        await site.edge.log.append(X, event_template(X, "execution.cancelled", "{}"), inbox=True)
        assert (await receive(client))["type"] == "execution.cancelled"
        await client.send('{"type":"unwatch","id":2,"inbox":true}')
        assert (await receive(client))["re"] == 2


# Signs of life


async def test_pings_and_lets_go_of_who_is_silent(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(heartbeat=1, patience=0.2)
    async with running_site(redis, policy=policy, ws_ping_interval=None) as site, site.connect() as client:
        await receive(client, "welcome")
        await receive(client, "ping")
        await client.send('{"type":"pong"}')
        await receive(client, "ping")
        assert (await receive(client, "bye"))["code"] == 4110
        assert (await closed(client))[0] == 4110
        await wait_until(lambda: not site.endpoint.connections, description="it is forgotten")


async def test_a_pong_of_the_protocol_is_life_too(redis: Redis) -> None:
    policy = Policy(heartbeat=1, patience=0.3)
    async with running_site(redis, policy=policy, ws_ping_interval=0.1) as site, site.connect() as client:
        await receive(client, "welcome")
        for _round in range(3):
            await receive(client, "ping")


# Other servers


async def test_works_through_plain_asgi(redis: Redis) -> None:
    async with running_site(redis, ws="websockets-sansio") as site, site.connect() as client:
        await site.edge.log.append_many(X, 1000)
        await receive(client, "welcome")
        await client.send('{"type":"watch","id":1,"execution":"x_1"}')
        assert (await receive(client))["re"] == 1
        assert [(await receive(client))["offset"] for _ in range(1000)] == list(range(1, 1001))
        await receive(client, "synced")
        await site.edge.log.append(X)
        assert (await receive(client))["offset"] == 1001
        site.server.should_exit = True
        assert (await receive(client, "bye"))["code"] == 4200
        assert await closed(client) == (4200, "draining")


async def test_a_slow_reader_is_let_go_through_plain_asgi(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "MAX_HELD", 100_000)
    monkeypatch.setattr(pumped, "STALL", 0.5)
    data = f'{{"step":"{"s" * 10_000}","reason":"r"}}'
    async with running_site(redis, ws="websockets-sansio") as site, raw_client(site.port, small=True) as client:
        await client.receive()
        await client.send(masked(b'{"type":"start","crew":"1"}'))
        while site.endpoint.connections:
            await site.edge.log.append(X, event_template(X, "journal.missed", data))
