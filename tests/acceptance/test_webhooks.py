"""Webhooks of a whole installation: real processes call a real receiver, and go on calling when they are killed."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from protocol.client import AsyncClient
from protocol.webhooks import Webhook
from tests.support.contract import is_described
from tests.support.http import ask
from tests.support.npm import install, node
from tests.support.processes import ROOT
from tests.support.receiver import SECRET, Answer, Receiver
from tests.support.rest import api, reached
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller, told
from tests.support.waiting import wait_until

PUBLIC = "https://crews.example"
#: The README's receivers, and the kind of code that each is.
EXAMPLES = {"receiver.py": "python", "receiver.mjs": "js"}
EVERY = ["checkpoint.opened", "checkpoint.decided", "execution.completed"]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture(scope="module")
def site(tales: Storyteller, receiver: Receiver) -> Iterator[Stack]:
    """An installation whose operator has a channel on Slack, and allows calls to this machine."""
    settings = {
        "QUARTERDECK_WEBHOOK_ALLOW": "127.0.0.1", "QUARTERDECK_WEBHOOK_SECONDS": "2", "QUARTERDECK_PUBLIC_URL": PUBLIC,
        "QUARTERDECK_WEBHOOKS": json.dumps(
            [{"url": receiver.url("/slack"), "format": "slack", "crews": ["story"], "events": ["checkpoint.opened"]}]
        ),
    }  # fmt: skip
    with installed(tales.server.url, workers=2, settings=settings) as stack:
        anyio.run(stack.mend)
        yield stack


@pytest.fixture
async def whole(site: Stack, receiver: Receiver) -> Stack:
    """The installation, with all of its processes, and a receiver that takes everything."""
    receiver.paths.clear()
    await site.mend()
    return site


async def started(site: Stack, topic: str, *webhooks: dict[str, Any], stop: bool = True) -> str:
    """Start an execution; the path is the topic's own, so that its calls are found again."""
    body = {"crew": "story", "inputs": {"topic": topic}, "checkpoints": ["agree"] if stop else [], "webhooks": webhooks}
    return str((await api(site, "POST", "/executions", body)).json["execution"])


async def approve(site: Stack, execution: str) -> None:
    (draft,) = (await reached(site, execution, "waiting"))["checkpoints"]
    path = f"/executions/{execution}/checkpoints/{draft['id']}/decision"
    assert (await api(site, "POST", path, {"action": "approve"})).status == 200


async def delivered(site: Stack, execution: str, count: int, *, timeout: float = 60) -> list[Any]:
    """Wait until so many deliveries have arrived."""
    found: list[Any] = []

    async def look() -> bool:
        found[:] = (await api(site, "GET", f"/executions/{execution}/deliveries")).json["items"]
        return [each["state"] for each in found] == ["delivered"] * count

    await wait_until(look, description=f"{count} deliveries of {execution}", timeout=timeout)
    return found


async def test_a_receiver_hears_and_can_verify(whole: Stack, receiver: Receiver, topic: str) -> None:
    hook = {"url": receiver.url(f"/{topic}"), "secret": SECRET}
    execution = await started(whole, topic, hook)
    await approve(whole, execution)
    await delivered(whole, execution, 4)
    log = {event["offset"]: event for event in map(json.loads, whole.log(execution))}
    calls = {call.json["data"]["offset"]: call.verified() for call in receiver.at(f"/{topic}")}
    assert [calls[offset]["type"] for offset in sorted(calls)] == EVERY
    for offset, call in calls.items():
        is_described(call)
        assert log[offset].items() <= call["data"].items()
        assert call["data"]["link"].startswith(f"{PUBLIC}/x/{execution}")
    (message,) = [call for call in receiver.at("/slack") if execution in call.json["text"]]
    assert re.search(rf"<{PUBLIC}/x/{execution}/c/cp_\w+\|Read and answer>$", message.json["text"])
    assert told("draft", topic) in message.json["text"]
    everything = [
        (await api(whole, "GET", f"/executions/{execution}{more}")).text for more in ("", "/events", "/deliveries")
    ]
    logs = "".join(process.err for process in whole.processes)
    assert SECRET not in "".join(everything) + logs
    assert topic not in logs  # nor the path of its address


async def test_a_receiver_that_fails_is_called_again_with_the_same_id(
    whole: Stack, receiver: Receiver, topic: str
) -> None:
    receiver.paths[f"/{topic}"] = Answer(500)
    execution = await started(
        whole, topic, {"url": receiver.url(f"/{topic}"), "events": ["execution.completed"]}, stop=False
    )
    await wait_until(lambda: len(receiver.at(f"/{topic}")) == 1, description="it was called", timeout=60)
    receiver.paths[f"/{topic}"] = Answer(200)
    (delivery,) = await delivered(whole, execution, 1)
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 200]
    first, second = receiver.at(f"/{topic}")
    assert (first.id, first.body) == (second.id, second.body)
    assert first.id == f"{execution}-{delivery['id']}"


async def test_a_worker_that_is_killed_loses_no_call(whole: Stack, receiver: Receiver, topic: str) -> None:
    """Both workers die in the middle of calls; whoever comes makes them again, with the same ids."""
    path, release = f"/{topic}", threading.Event()
    receiver.paths[path] = Answer(hold=release)
    hook = {"url": receiver.url(path), "secret": SECRET}
    executions = [await started(whole, f"{topic}.{number}", hook, stop=False) for number in range(6)]
    await wait_until(lambda: len(receiver.at(path)) >= 2, description="calls are under way", timeout=60)
    for worker in whole.workers:
        worker.stop(signal.SIGKILL)
    under_way = {call.id for call in receiver.at(path)}
    del receiver.paths[path]
    release.set()
    await whole.mend()
    for execution in executions:
        await reached(whole, execution, "completed")
    expected = {f"{execution}-{(await delivered(whole, execution, 1))[0]['id']}" for execution in executions}
    calls = receiver.at(path)
    assert {call.id for call in calls} == expected
    assert under_way <= expected
    assert len(calls) >= len(expected) + len(under_way)  # twice, and a receiver can tell
    assert {call.verified()["data"]["execution"] for call in calls} == set(executions)


async def test_an_address_that_is_gone_and_a_person_who_asks_again(
    whole: Stack, receiver: Receiver, topic: str
) -> None:
    receiver.paths[f"/{topic}"] = Answer(410)
    url = receiver.url(f"/{topic}")
    execution = await started(whole, topic, {"url": url, "events": ["checkpoint.opened", "execution.completed"]})
    await approve(whole, execution)
    await reached(whole, execution, "completed")
    found: list[Any] = []

    async def disabled() -> bool:
        listed = (await api(whole, "GET", f"/executions/{execution}/deliveries")).json["items"]
        found[:] = [each for each in listed if each["format"] == "standard"]
        return [each["state"] for each in found] == ["disabled"] * 2

    await wait_until(disabled, description="both are disabled", timeout=30)
    assert len(receiver.at(f"/{topic}")) == 1
    del receiver.paths[f"/{topic}"]
    path = f"/executions/{execution}/deliveries/{found[1]['id']}/resend"
    assert (await api(whole, "POST", path)).status == 202
    await wait_until(lambda: len(receiver.at(f"/{topic}")) == 2, description="it is called again", timeout=30)
    assert receiver.at(f"/{topic}")[1].json["type"] == "execution.completed"
    assert (await api(whole, "POST", f"/executions/{execution}/deliveries/1-none/resend")).status == 404


async def test_the_python_client_has_them_too(whole: Stack, receiver: Receiver, topic: str) -> None:
    hook = Webhook(url=receiver.url(f"/{topic}"), secret=SECRET, events=["execution.completed"])
    async with AsyncClient(f"http://127.0.0.1:{whole.port}") as client:
        execution = (await client.start("story", {"topic": topic}, webhooks=[hook])).execution
        await delivered(whole, execution, 1)
        (delivery,) = (await client.deliveries(execution)).items
        assert (delivery.state, delivery.event) == ("delivered", "execution.completed")
        assert (await client.resend(execution, delivery.id)).state == "pending"
        await wait_until(lambda: len(receiver.at(f"/{topic}")) == 2, description="it is called again")
    assert len({call.id for call in receiver.at(f"/{topic}")}) == 1


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "http://hooks.example/", "https://[::1]/"]
)
async def test_private_addresses_are_refused(whole: Stack, url: str) -> None:
    body = {"crew": "story", "inputs": {"topic": "tea"}, "webhooks": [{"url": url}]}
    refused = await api(whole, "POST", "/executions", body)
    assert (refused.status, refused.json["code"]) == (422, "bad_field")
    assert "webhooks[0]" in refused.json["detail"]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_readmes_receivers_work(whole: Stack, topic: str, tmp_path: Path, name: str) -> None:
    file, port, secret = _example(tmp_path, name), _free_port(), _fresh_secret()
    if file.suffix == ".mjs":
        (tmp_path / "package.json").write_text("{}")
        await anyio.to_thread.run_sync(install, tmp_path, "standardwebhooks@1.1.1")
    right = {"url": f"http://127.0.0.1:{port}/", "secret": secret, "events": ["execution.completed"]}
    wrong = {**right, "url": f"http://127.0.0.1:{port}/other", "secret": SECRET}
    with _running(file, PORT=str(port), WEBHOOK_SECRET=secret) as example:
        await wait_until(lambda: _listens(port), description="the example listens")
        execution = await started(whole, topic, right, wrong, stop=False)

        async def done() -> bool:
            listed = (await api(whole, "GET", f"/executions/{execution}/deliveries")).json["items"]
            return sorted(each["attempts"][0]["status"] for each in listed if each["attempts"]) == [204, 401]

        await wait_until(done, description="one call is taken, one is not", timeout=60)
        example.terminate()
        lines = (await anyio.to_thread.run_sync(example.communicate))[0].decode().splitlines()
    assert lines == [f"execution.completed {topic} {PUBLIC}/x/{execution}"]


async def test_a_client_of_crewais_platform_is_called_back(whole: Stack, receiver: Receiver, topic: str) -> None:
    body = {
        "inputs": {"topic": topic}, "checkpoints": ["agree"], "meta": {"requestId": topic},
        "taskWebhookUrl": receiver.url(f"/task/{topic}"), "crewWebhookUrl": receiver.url(f"/crew/{topic}"),
        "humanInputWebhook": {
            "url": receiver.url(f"/human/{topic}"), "authentication": {"strategy": "bearer", "token": "t0ken"},
        },
    }  # fmt: skip
    answer = await anyio.to_thread.run_sync(ask, whole.port, "POST", "/kickoff", body)
    execution = answer.json["kickoff_id"]
    await wait_until(lambda: bool(receiver.at(f"/human/{topic}")), description="a person is asked", timeout=60)
    (asked,) = receiver.at(f"/human/{topic}")
    assert asked.headers["authorization"] == "Bearer t0ken"
    assert (asked.json["task_id"], asked.json["task_output"]) == ("draft", told("draft", topic))
    resume = {
        **{name: asked.json[name] for name in ("execution_id", "task_id")},
        "human_feedback": "",
        "is_approve": True,
    }
    assert (await anyio.to_thread.run_sync(ask, whole.port, "POST", "/resume", resume)).status == 200
    await delivered(whole, execution, 6)
    tasks = {call.json["name"]: call.json for call in receiver.at(f"/task/{topic}")}
    assert {name: task["output"] for name, task in tasks.items()} == {
        name: told(name, topic) for name in ("draft", "polish", "publish")
    }
    (crew,) = receiver.at(f"/crew/{topic}")
    assert (crew.json["result"], crew.json["kickoff_id"]) == (told("publish", topic), execution)
    assert crew.json["meta"] == {"requestId": topic}
    assert crew.json["token_usage"]["total_tokens"] > 0


def _example(folder: Path, name: str) -> Path:
    """Write the README's code of this name into a file."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"```{EXAMPLES[name]}\n(?:#|//) {name}\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    (file := folder / name).write_text(found[1], encoding="utf-8")
    return file


def _running(file: Path, **environ: str) -> "subprocess.Popen[bytes]":
    program = [sys.executable] if file.suffix == ".py" else node()
    return subprocess.Popen(
        [*program, file],
        env={"PATH": os.environ["PATH"], **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _fresh_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
