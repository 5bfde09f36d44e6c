"""Bodies that do not come whole: they are waited for so long, and who leaves within is no fault of the server."""

import anyio
import pytest

from server.routes.api import requests
from tests.support.scripted import World
from tests.support.site import running_rest
from tests.support.waiting import wait_until

DOORS = ["/api/v1/executions", "/api/crew", "/api/crew/execute", "/kickoff", "/ag-ui/scripted"]


def half(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\n{{".encode()


@pytest.mark.parametrize("path", DOORS)
async def test_who_leaves_in_the_middle_of_a_body_is_no_fault(
    world: World, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_rest(world) as site:
        async with await anyio.connect_tcp("127.0.0.1", site.port) as stream:
            await stream.send(half(path))
            await wait_until(lambda: bool(site.server.server_state.tasks), description="it is read")
        await wait_until(lambda: not site.server.server_state.tasks, description="it is given up")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("path", DOORS)
async def test_a_body_that_does_not_come_is_not_waited_for(
    world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert requests.BODY_LIMIT <= 120
    monkeypatch.setattr(requests, "BODY_LIMIT", 0.1)
    async with running_rest(world) as site, await anyio.connect_tcp("127.0.0.1", site.port) as stream:
        await stream.send(half(path))
        with anyio.fail_after(10):
            said = await stream.receive()
        assert said.split()[1] in (b"400", b"422")
        assert b"0.1 s" in said
