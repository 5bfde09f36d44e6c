"""What real runs send is what the contracts describe: every frame, and every answer over HTTP."""

import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from protocol.frames import CONTROL
from tests.support.client import Client, Frame, connected
from tests.support.contract import fits
from tests.support.http import ask
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.recorded import Recorder
from tests.support.stack import Stack
from tests.support.tokens import AUTH, token

CREWS = "story=story:crew,courier=courier:crew,market=market:crew,unbuildable=faulty:unbuildable"
STORY: dict[str, Any] = {"crew": "story", "inputs": {"topic": "tea"}}
RARA: dict[str, Any] = {"sub": "rara", "name": "Rara", "roles": ["admin"]}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        for task in ("draft", "polish", "publish", "survey", "report"):
            server.reply(f"do {task} about", f"This is the {task}, as it was asked for.")
        asked = Call("ask_parcel", {"question": "How heavy is it?"})
        sent = Call("deliver", {"what": "tea", "to": "Rara"})
        server.reply("do send for", Reply(calls=[asked]), Reply(calls=[sent]), "It is sent.")
        server.reply("do quote for", '{"price": 12, "currency": "EUR"}')
        yield server


@pytest.fixture(scope="module")
async def stack(server: OpenAIServer) -> AsyncIterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        settings = {**AUTH, "QUARTERDECK_CREWS": CREWS, "QUARTERDECK_HOT_SECONDS": "0"}
        stack = Stack(Path(folder), server.url, settings=settings)
        try:
            await stack.mend()
            yield stack
        finally:
            stack.stop()


class Site:
    """Asks over HTTP, as somebody or as nobody; every answer must be one that is described."""

    def __init__(self, stack: Stack, **claims: Any) -> None:
        self.stack = stack
        self.headers = {"authorization": f"Bearer {token(**claims)}"} if claims else {}

    async def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await anyio.to_thread.run_sync(ask, self.stack.port, method, path, body, self.headers)
        assert answer.status == status, answer.text
        read = answer.json if answer.text else None
        media = answer.headers.get("content-type", "").partition(";")[0]
        fits(method, path.partition("?")[0], status, media, read)
        return read


async def introductions(plain: Client, packed: Client, site: Site) -> None:
    """Say who it is: wrongly, rightly, and again."""
    assert (await plain.refused("list", what="crews"))["code"] == "unauthenticated"
    assert (await plain.refused("auth", token="wrong"))["code"] == "unauthenticated"
    for client, claims in ((plain, RARA), (packed, {**RARA, "sub": "dimas", "name": "Dimas"})):
        for _ in range(2):
            assert (await client.command("auth", token=token(**claims)))["tenant"] == "kopi"
    assert (await plain.refused("auth", token=token(**{**RARA, "sub": "dimas"})))["code"] == "forbidden"
    for method, path in (("GET", "/api/v1/crews"), ("POST", "/api/v1/ticket"), ("GET", "/api/crew/status/x_1")):
        await site(method, path, status=401)
    await site("GET", "/health")


async def refusals(client: Client) -> None:
    """Be refused in many ways."""
    for type_, fields, code in (
        ("get", {"execution": "x_none"}, "not_found"),
        ("start", {"crew": "nobody"}, "unknown_crew"),
        ("start", {"crew": "unbuildable"}, "crew_broken"),
        ("start", {"crew": "story"}, "missing_inputs"),
        ("start", {**STORY, "checkpoints": ["after_lunch"]}, "unknown_checkpoint"),
        ("start", {**STORY, "colour": "blue"}, "bad_field"),
        ("dance", {}, "bad_frame"),
        ("watch", {}, "bad_field"),
        ("say", {"conversation": "cv_none", "text": "Hm?"}, "not_found"),
    ):
        assert (await client.refused(type_, **fields))["code"] == code
    await client.socket.send("{")
    await client.until(lambda frame: frame.get("code") == "bad_json")


async def story(client: Client, other: Client, site: Site) -> str:
    """Two people look at one run: it is revised, discussed, paused, answered, forked and gone on with."""
    execution: str = (await client.command("start", **STORY, checkpoints=["agree"], conversation="cv_1"))["execution"]
    draft = await client.question(execution, "agree")
    where = {"execution": execution, "checkpoint": draft["id"]}
    await other.command("watch", execution=execution)
    await other.command("watch", inbox=True)
    await other.command("view", **where, state="editing")
    await client.until(lambda frame: frame["type"] == "presence")
    await client.command("comment", **where, text="Is it salty?")
    assert (await client.refused("extend", **where, seconds=60))["code"] == "conflict"
    assert (await client.refused("decide", **where, action="revise"))["code"] == "needs_feedback"
    assert (await client.refused("decide", **where, action="dance"))["code"] == "not_offered"
    await client.decide(draft, "revise", feedback="more salt")
    again = await client.question(execution, "agree", version=2)
    assert (await client.refused("decide", **where, version=1, action="approve"))["code"] == "stale_version"
    await client.command("pause", execution=execution, reason="lunch")
    await client.command("resume", execution=execution)
    await site("POST", f"/api/v1/executions/{execution}/checkpoints/{draft['id']}/comments", {"text": "Go on."}, 201)
    await client.decide(again, "edit", output="Mine.")
    assert (await other.refused("decide", **where, action="approve"))["code"] == "already_decided"
    await client.end(execution)
    fork = (await client.command("fork", **where, action="stop"))["execution"]
    await client.command("watch", execution=fork)
    await client.end(fork)
    said = (await client.command("say", conversation="cv_1", text="Once more"))["execution"]
    await client.command("watch", execution=said)
    await client.command("cancel", execution=said, reason="enough")
    await client.end(said)
    return execution


async def parcel(client: Client) -> None:
    """A crew asks by a form, about a call, and about typed output."""
    execution = (await client.command("start", crew="courier", inputs={"topic": "tea"}))["execution"]
    form = await client.question(execution, "ask_parcel")
    named = {"execution": execution, "checkpoint": form["id"]}
    wrong = await client.refused("decide", **named, action="respond", response={"weight": 0})
    assert wrong["code"] == "invalid_output"
    await client.decide(form, "respond", response={"weight": 300, "speed": "fast"})
    await client.decide(await client.question(execution, "tool:deliver"), "approve")
    await client.decide(await client.question(execution, "after_quote"), "approve")
    assert (await client.end(execution))["type"] == "execution.completed"


async def report(client: Client) -> None:
    """Somebody is given more time, and lets it pass."""
    inputs = {"topic": "tea", "output_language": "English"}
    started = await client.command("start", crew="market", inputs=inputs, checkpoints=["in_time"])
    asked = await client.question(started["execution"], "in_time")
    await client.command("extend", execution=asked["execution"], checkpoint=asked["id"], seconds=1)
    assert (await client.end(started["execution"]))["type"] == "execution.stopped"


async def looks(client: Client, site: Site, execution: str) -> None:
    """Read everything there is to read."""
    for what in ("executions", "checkpoints", "crews", "conversations"):
        await client.command("list", what=what)
        await site("GET", f"/api/v1/{what}")
    await client.command("get", execution=execution)
    await client.command("ping")
    read = await site("GET", f"/api/v1/executions/{execution}")
    one = f"/api/v1/executions/{execution}"
    await site("GET", f"{one}/events?limit=1000")
    await site("GET", f"{one}/files/stories/story.md".replace("stories/", ""), status=404)
    await site("GET", f"{one}/checkpoints/{read['checkpoints'][0]['id']}")
    await site("POST", f"{one}/cancel", None, 409)
    await site("POST", "/api/v1/executions", {"crew": "story"}, 422)
    await site("GET", f"/api/crew/status/{execution}")
    await site("GET", "/api/v1/conversations?cursor=three", status=422)


async def returns(client: Client, execution: str) -> None:
    """Come back with a position of a log that is lost, and with one that is known."""
    await client.command("unwatch", execution=execution)
    lost = await client.command("watch", execution=execution, after={"epoch": "elsewhere", "offset": 3})
    assert not lost["recovered"]
    await client.until(lambda frame: frame["type"] == "snapshot")
    await client.command("unwatch", inbox=True)


async def test_every_frame_and_every_answer_is_as_it_is_described(stack: Stack) -> None:
    site = Site(stack, **RARA)
    async with AsyncExitStack() as everything:
        plain = await everything.enter_async_context(stack.connect())
        packed = await everything.enter_async_context(stack.connect(binary=True))
        ticket = (await site("POST", "/api/v1/ticket", status=201))["ticket"]
        silent = await everything.enter_async_context(connected(stack.port, query=f"?ticket={ticket}"))
        recorders = [Recorder(plain), Recorder(packed), Recorder(silent)]
        await introductions(plain, packed, Site(stack))
        await refusals(plain)
        execution = await story(plain, packed, site)
        await parcel(plain)
        await report(plain)
        await looks(packed, site, execution)
        await returns(packed, execution)
        await silent.until(lambda frame: frame["type"] == "ping")
        stack.webs[0].send(signal.SIGTERM)
        for client in (plain, packed, silent):
            assert (await client.closed())[0] == 4200
    frames: list[Frame] = [*plain.frames, *packed.frames, *silent.frames]
    assert [fault for recorder in recorders for fault in recorder.faults()] == []
    seen = {frame["type"] for frame in frames}
    assert {str(struct.__struct_config__.tag) for struct in CONTROL} <= seen
    assert seen >= {
        "execution.queued", "execution.started", "execution.parked", "execution.resumed", "execution.paused",
        "execution.completed", "execution.stopped", "execution.cancelled", "task.started", "task.completed",
        "agent.started", "agent.completed", "tool.started", "tool.completed", "llm.started", "llm.completed",
        "checkpoint.opened", "checkpoint.decided", "checkpoint.commented", "checkpoint.extended", "checkpoint.expired",
    }  # fmt: skip
    sent = {frame["type"] for recorder in recorders for frame in recorder.sent}
    assert sent >= {"start", "watch", "unwatch", "decide", "comment", "extend", "cancel", "pause", "resume", "fork",
                    "say", "view", "list", "get", "ping", "pong", "auth"}  # fmt: skip
