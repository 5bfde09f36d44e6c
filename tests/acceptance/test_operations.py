"""What an operator's machines ask and read: probes, metrics and logs, however the processes are laid out."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.client import Client, Refusal
from tests.support.http import Answer, ask
from tests.support.processes import Web, environment
from tests.support.stack import Stack
from tests.support.story import Storyteller, told
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

#: A probe that takes longer than this counts as failed with most who send them, in seconds.
PROBE = 10.0
#: Starts and stops what a web process is made of, and prints what has been imported.
IMPORTS = """
import asyncio, sys
from server.app import make_app, make_parts
from server.settings import Settings

async def main():
    settings = Settings.read()
    app = make_app(settings, make_parts(settings, settings.redis_url, ["web"]))
    async with app.router.lifespan_context(app):
        print(*(name for name in sys.modules if "." not in name))

asyncio.run(main())
"""


def metrics(stack: Stack, *, of_worker: bool = False) -> dict[tuple[str, ...], float]:
    """Read the metrics of the first web process, or of the first worker: name and label values → value."""
    answer = ask(_worker_port(stack), "GET", "/metrics") if of_worker else stack.webs[0].get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def _worker_port(stack: Stack) -> int:
    return int(str(stack.workers[0].said("process.started")[0]["address"]).rpartition(":")[2])


async def test_health_and_readiness(stack: Stack) -> None:
    assert stack.webs[0].get("/healthz").json == {"status": "alive"}
    ready = stack.webs[0].get("/readyz")
    assert ready.status == 200
    assert ready.json == {"status": "ready", "checks": {"redis": "ok", "crews": "ok", "draining": "ok"}}


async def test_metrics_tell_what_went_on(stack: Stack, client: Client, topic: str) -> None:
    before, made = metrics(stack), metrics(stack, of_worker=True)
    done, asking = [
        await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"]) for _ in range(2)
    ]
    question = await client.question(asking["execution"], "agree")
    await client.decide(await client.question(done["execution"], "agree"), "approve")
    await client.end(done["execution"])
    completed = ("quarterdeck_executions", "story", "completed")

    def counted() -> bool:  # every few seconds
        now = metrics(stack)
        return now[("quarterdeck_open_checkpoints",)] >= 1 and now.get(completed, 0) > before.get(completed, 0)

    await wait_until(counted, description="the executions are counted")
    now = metrics(stack)
    decided = ("quarterdeck_decisions_total", "approve", "websocket")
    assert now[decided] == before.get(decided, 0) + 1
    queued = ("crew_executions_total", "story", "queued")
    assert now[queued] == before.get(queued, 0) + 2, "the one that made them counts them"
    ended = ("crew_executions_total", "story", "completed")
    assert metrics(stack, of_worker=True)[ended] >= made.get(ended, 0) + 1, "and the one that ends them their ends"
    assert now[("quarterdeck_decision_seconds_count",)] == before[("quarterdeck_decision_seconds_count",)] + 1
    assert now[("quarterdeck_connections",)] >= 1
    assert now[("quarterdeck_connections_accepted",)] >= now[("quarterdeck_connections",)]
    assert now[("quarterdeck_frames_sent",)] > before[("quarterdeck_frames_sent",)]
    assert now[("quarterdeck_worker_slots", stack.workers[0].ident)] == 32
    assert now[("quarterdeck_subscriber_silence_seconds",)] < PROBE
    await client.decide(question, "stop")


async def test_logs_name_who_did_what_to_which_execution(stack: Stack, client: Client, topic: str) -> None:
    started = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    execution = started["execution"]
    question = await client.question(execution, "agree")
    await client.decide(question, "approve")
    await client.end(execution)
    with pytest.raises(Refusal):
        await client.decide(question, "approve")

    def of(event: str) -> list[dict[str, Any]]:
        return [line for line in stack.webs[0].said(event) if line.get("execution") == execution]

    await wait_until(lambda: bool(of("command.refused")), description="the log is written")
    first, second = of("command.done")
    assert (first["command"], second["command"]) == ("start", "decide")
    (refused,) = of("command.refused")
    assert (refused["command"], refused["code"]) == ("decide", "already_decided")
    for line in (first, second, refused):
        assert line["connection"].startswith("c_")
        assert (line["principal"], line["via"]) == ("local", "websocket")
    assert first["connection"] == second["connection"]
    assert (second["checkpoint"], second["action"]) == (question["id"], "approve")
    begun = [line for line in stack.workers[0].said("crew.started") if line["execution"] == execution]
    assert [(line["crew"], line["attempt"]) for line in begun] == [("story", 1)]


async def test_logs_are_json_lines_that_name_the_execution(stack: Stack, client: Client, topic: str) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic})
    await client.end(start["execution"])
    worker = stack.workers[0]
    await wait_until(
        lambda: any(line.get("execution") == start["execution"] for line in worker.said("crew.completed")),
        description="the end is logged",
    )
    (line,) = [line for line in worker.said("crew.started") if line.get("execution") == start["execution"]]
    assert (line["crew"], line["attempt"], line["level"]) == ("story", 1, "info")
    for process in stack.processes:
        assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in process.lines())
        assert "sk-test" not in process.err
        assert process.out == ""


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[tuple[Valkey, Web]]:
    """A Valkey and a web process, without a worker."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        web = Web(Path(folder), environment(Path(folder), QUARTERDECK_REDIS_URL=valkey.url))
        web.start()
        yield valkey, web
        web.clear()
        valkey.stop(signal.SIGKILL)


async def test_without_a_worker_it_is_not_ready(lonely: tuple[Valkey, Web]) -> None:
    _, web = lonely
    await wait_until(lambda: web.get("/healthz").status == 200, description="it is alive", timeout=30)
    answer = web.get("/readyz")
    assert answer.status == 503
    assert answer.json["checks"] == {"redis": "ok", "crews": "no live worker has reported every crew", "draining": "ok"}
    start = ask(web.port, "POST", "/api/v1/executions", {"crew": "story", "inputs": {"topic": "tea"}})
    assert (start.status, start.json["code"], start.json["retry"]) == (503, "unavailable", True)
    assert start.headers["retry-after"] == "1"


async def test_with_a_frozen_redis_it_says_so_soon(lonely: tuple[Valkey, Web]) -> None:
    valkey, web = lonely
    await wait_until(lambda: web.get("/readyz").status == 503, description="it is alive", timeout=30)
    valkey.send(signal.SIGSTOP)
    await wait_until(
        lambda: web.get("/readyz").json["checks"]["redis"] != "ok", description="what was found before is over"
    )
    answers: dict[str, Answer] = {}

    async def probe(path: str) -> None:
        answers[path] = await anyio.to_thread.run_sync(web.get, path)

    with anyio.fail_after(PROBE):
        async with anyio.create_task_group() as group:
            for path in ("/readyz", "/healthz", "/metrics"):
                group.start_soon(probe, path)
    assert {path: answer.status for path, answer in answers.items()} == {
        "/readyz": 503, "/healthz": 200, "/metrics": 200
    }  # fmt: skip
    assert "heard" in answers["/readyz"].json["checks"]["redis"]
    valkey.send(signal.SIGCONT)
    await wait_until(
        lambda: web.get("/readyz").json["checks"]["redis"] == "ok", description="it hears again", timeout=30
    )


def test_a_web_process_never_imports_crewai(lonely: tuple[Valkey, Web]) -> None:
    """It would cost every web process three seconds and 200 MB, for nothing."""
    _, web = lonely
    run = subprocess.run(
        [sys.executable, "-c", IMPORTS], env=web.environ, capture_output=True, text=True, timeout=60, check=True
    )
    modules = run.stdout.split()
    assert "starlette" in modules
    assert "crewai" not in modules


@pytest.fixture
def single(tales: Storyteller) -> Iterator[Web]:
    """One process that does everything."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        settings = {"QUARTERDECK_ROLES": "web,worker", "QUARTERDECK_DATA": "data", "TEST_MODEL": tales.server.url}
        web = Web(Path(folder), environment(Path(folder), **settings), role="serve")
        web.start()
        yield web
        web.clear()


async def test_web_and_worker_in_one_process(single: Web, topic: str) -> None:
    await single.ready()
    async with single.connect() as client:
        start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
        await client.decide(await client.question(start["execution"], "agree"), "approve")
        assert (await client.end(start["execution"]))["data"]["output"] == told("publish", topic)
    checks = single.get("/readyz").json["checks"]
    assert checks == {"redis": "ok", "crews": "ok", "draining": "ok", "worker": "ok"}
    assert single.stop() == 0
