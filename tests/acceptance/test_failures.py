"""Processes die at the worst moment: the execution goes on, its log has no gap, and nothing finished is done again."""

import contextlib
import signal
import time
from collections.abc import Iterator

import pytest
import redis

from protocol.ids import new_id
from tests.support.client import Client, Follower, Refusal
from tests.support.stack import Stack, installed
from tests.support.story import TASKS, Storyteller, told
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)
#: Whoever watches a crew whose worker died waits no longer than this, in seconds.
TAKEOVER = 15.0


@pytest.fixture(scope="module")
def machines(tales: Storyteller) -> Iterator[Stack]:
    """A durable Valkey, a web process and two workers, to be hurt."""
    with installed(tales.server.url, workers=2, durable=True) as stack:
        yield stack


async def start(client: Client, topic: str, *checkpoints: str) -> str:
    reply = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=list(checkpoints))
    return str(reply["execution"])


async def until_called(tales: Storyteller, task: str, topic: str, times: int = 1) -> None:
    await wait_until(lambda: tales.calls(task, topic) >= times, description=f"{task} is asked for", timeout=30)


def check(stack: Stack, follower: Follower, topic: str, *, draft: str = "") -> None:
    """Look for one unbroken story: as it was told live, as it is stored, and each task done once."""
    assert follower.events[-1]["type"] == "execution.completed"
    assert follower.transcript == stack.log(follower.execution)  # which has its own check for holes
    done = [event["data"] for event in follower.events if event["type"] == "task.completed"]
    assert [task["task"] for task in done] == TASKS
    assert [task["output"] for task in done] == [draft or told("draft", topic), *(told(t, topic) for t in TASKS[1:])]
    assert len({event["epoch"] for event in follower.events}) == 1


async def test_a_worker_is_killed_with_crews_at_every_step(whole: Stack, tales: Storyteller) -> None:
    """Each waits for its model at another task; what was finished stays finished, what was in flight is asked again."""
    releases = {new_id("topic"): task for task in TASKS}
    doomed, other = whole.workers
    other.send(signal.SIGSTOP)  # so that all are on one worker
    async with whole.connect() as client, contextlib.AsyncExitStack() as followers:
        held = {topic: tales.hold(task, topic) for topic, task in releases.items()}
        executions = {topic: await start(client, topic) for topic in held}
        for topic, task in releases.items():
            await until_called(tales, task, topic)
        following = [
            await followers.enter_async_context(Follower(whole.port, execution)) for execution in executions.values()
        ]
        other.send(signal.SIGCONT)
        doomed.stop(signal.SIGKILL)
        killed = time.monotonic()
        for execution in executions.values():
            recovered = await client.find("execution.recovered", execution)
            assert recovered["data"] == {"worker": other.ident, "attempt": 2}
        assert time.monotonic() - killed < TAKEOVER
        for topic, task in releases.items():
            await until_called(tales, task, topic, times=2)
            held[topic]()
        for follower, topic in zip(following, executions, strict=True):
            await follower.ended.wait()
            check(whole, follower, topic)
    for topic, task in releases.items():
        assert [tales.calls(name, topic) for name in TASKS] == [2 if name == task else 1 for name in TASKS]


async def test_a_worker_is_killed_while_people_are_asked(whole: Stack, topic: str, tales: Storyteller) -> None:
    """The answer comes while nobody runs the crew."""
    async with whole.connect() as client:
        execution = await start(client, topic, "agree")
        async with Follower(whole.port, execution) as follower:
            draft = await client.question(execution, "agree")
            dead = await whole.first_worker(client, execution)
            dead.stop(signal.SIGKILL)
            await client.decide(draft, "approve")
            decided = time.monotonic()
            recovered = await client.find("execution.recovered", execution)
            assert time.monotonic() - decided < TAKEOVER
            assert recovered["data"]["worker"] not in ("", dead.ident)
            await follower.ended.wait()
    check(whole, follower, topic)
    assert [tales.calls(task, topic) for task in TASKS] == [1, 1, 1]


async def test_a_worker_that_was_thought_dead_comes_back(whole: Stack, topic: str, tales: Storyteller) -> None:
    """It stood still for so long that another took over; what it then says is not heard any more."""
    async with whole.connect() as client:
        release = tales.hold("polish", topic)
        execution = await start(client, topic)
        async with Follower(whole.port, execution) as follower:
            await until_called(tales, "polish", topic)
            frozen = await whole.first_worker(client, execution)
            frozen.send(signal.SIGSTOP)
            stopped = time.monotonic()
            try:
                await client.find("execution.recovered", execution)
                assert time.monotonic() - stopped < TAKEOVER
                await until_called(tales, "polish", topic, times=2)
                release()
                await follower.ended.wait()
            finally:
                frozen.send(signal.SIGCONT)

    def has_left() -> bool:
        return any(line.get("execution") == execution for line in frozen.said("crew.left") + frozen.said("lease.lost"))

    await wait_until(has_left, description="it notices that it lost the execution", timeout=30)
    check(whole, follower, topic)
    assert [tales.calls(task, topic) for task in TASKS] == [1, 2, 1]
    assert frozen.alive


async def test_a_long_freeze_of_redis_is_not_taken_for_dead_workers(
    whole: Stack, topic: str, tales: Storyteller
) -> None:
    async with whole.connect() as client:
        release = tales.hold("polish", topic)
        execution = await start(client, topic)
        async with Follower(whole.port, execution) as follower:
            await until_called(tales, "polish", topic)
            failures = [len(worker.said("heartbeat.failed")) for worker in whole.workers]
            whole.valkey.send(signal.SIGSTOP)
            try:
                for worker, before in zip(whole.workers, failures, strict=True):
                    await wait_until(
                        lambda w=worker, n=before: len(w.said("heartbeat.failed")) >= n + 3,
                        description="its heartbeat was not heard three times",
                        timeout=30,
                    )
            finally:
                whole.valkey.send(signal.SIGCONT)
            release()
            await follower.ended.wait()
    check(whole, follower, topic)
    assert [tales.calls(task, topic) for task in TASKS] == [1, 1, 1]
    assert not [event for event in follower.events if event["type"] == "execution.recovered"]


async def test_the_web_process_is_killed(whole: Stack, topic: str, tales: Storyteller) -> None:
    async with whole.connect() as client:
        execution = await start(client, topic, "agree", "release")
        draft = await client.question(execution, "agree")
    async with Follower(whole.port, execution) as follower:
        await wait_until(lambda: len(follower.events) >= len(client.events(execution)), description="it follows")
        whole.webs[0].stop(signal.SIGKILL)
        await wait_until(lambda: follower.losses > 0, description="the connection is lost")
        whole.webs[0].start()
        async with whole.connect() as client:
            await client.decide(draft, "approve")
            await client.command("watch", execution=execution)
            await client.decide(await client.question(execution, "release"), "approve")
            await follower.ended.wait()
    check(whole, follower, topic)
    assert [tales.calls(task, topic) for task in TASKS] == [1, 1, 1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_redis_restarts_under_everything(whole: Stack, tales: Storyteller, number: signal.Signals) -> None:
    """One execution is in the middle of a task, another asks a person; the model answers while Redis is away."""
    busy, asking = new_id("topic"), new_id("topic")
    async with whole.connect() as client:
        release = tales.hold("polish", busy)
        working, waiting = await start(client, busy), await start(client, asking, "agree")
        async with Follower(whole.port, working) as first, Follower(whole.port, waiting) as second:
            draft = await client.question(waiting, "agree")
            await until_called(tales, "polish", busy)
            whole.valkey.stop(number)
            release()
            error = await client.refused("get", execution=waiting)
            assert (error["code"], error["retry"]) == ("unavailable", True)
            new = {"crew": "story", "inputs": {"topic": asking}, "key": asking}
            assert (await client.refused("start", **new))["code"] == "unavailable"
            whole.valkey.start()
            await whole.mend()
            again = [await client.command("start", **new) for _ in range(2)]
            assert again[0]["execution"] == again[1]["execution"] not in (working, waiting)
            await client.end(again[0]["execution"])
            await client.decide(draft, "approve")
            await second.ended.wait()
            await first.ended.wait()
    check(whole, first, busy)
    check(whole, second, asking)
    assert [tales.calls(task, busy) for task in TASKS] == [1, 1, 1]
    assert [tales.calls(task, asking) for task in TASKS] == [2, 2, 2]  # of two executions
    assert (first.losses, second.losses) == (0, 0), "sockets stay open while Redis is away"


async def test_a_redis_that_lost_everything_is_served_again(whole: Stack, topic: str) -> None:
    """What was in it is gone; but nobody has to restart anything."""
    with redis.Redis(unix_socket_path=whole.valkey.socket) as direct:
        direct.flushall()
    async with whole.connect() as client:
        started: list[str] = []

        async def starts() -> bool:
            with contextlib.suppress(Refusal):
                started.append(await start(client, topic, "agree"))
            return bool(started)

        await wait_until(starts, description="the crews are known again", timeout=TAKEOVER)
        await client.decide(await client.question(started[0], "agree"), "approve")
        assert (await client.end(started[0]))["data"]["output"] == told("publish", topic)


async def test_everything_is_killed_at_once(whole: Stack, topic: str, tales: Storyteller) -> None:
    async with whole.connect() as client:
        execution = await start(client, topic, "agree", "release")
        await client.decide(await client.question(execution, "agree"), "approve")
        release = await client.question(execution, "release")
    async with Follower(whole.port, execution) as follower:
        await wait_until(lambda: len(follower.events) >= len(client.events(execution)), description="it follows")
        for process in whole.processes:
            process.stop(signal.SIGKILL)
        whole.valkey.stop(signal.SIGKILL)
        await whole.mend()
        async with whole.connect() as client:
            await client.decide(release, "approve")
            await follower.ended.wait()
    check(whole, follower, topic)
    assert [tales.calls(task, topic) for task in TASKS] == [1, 1, 1]


async def test_a_worker_that_is_asked_to_end_gives_its_work_back(whole: Stack, topic: str, tales: Storyteller) -> None:
    """One execution asks a person and one is in the middle of a task that takes longer than the worker waits."""
    async with whole.connect() as client:
        release = tales.hold("polish", topic)
        execution = await start(client, topic)
        async with Follower(whole.port, execution) as follower:
            await until_called(tales, "polish", topic)
            leaving = await whole.first_worker(client, execution)
            leaving.send(signal.SIGTERM)
            parked = await client.find("execution.parked", execution)
            assert parked["data"] == {"reason": "drain"}
            await client.find("execution.resumed", execution)
            await until_called(tales, "polish", topic, times=2)
            assert leaving.wait(15) == 0, "it does not wait for the model"
            release()
            await follower.ended.wait()
    check(whole, follower, topic)
    assert not [event for event in follower.events if event["type"] == "execution.recovered"]
    assert [tales.calls(task, topic) for task in TASKS] == [1, 2, 1]


async def test_a_question_outlives_the_worker_that_asked_it(whole: Stack, topic: str, tales: Storyteller) -> None:
    async with whole.connect() as client:
        execution = await start(client, topic, "agree")
        async with Follower(whole.port, execution) as follower:
            draft = await client.question(execution, "agree")
            leaving = await whole.first_worker(client, execution)
            assert leaving.stop() == 0
            await client.find("execution.parked", execution)
            await client.decide(draft, "revise", feedback="more oakum")
            await client.decide(await client.question(execution, "agree", version=2), "approve")
            await follower.ended.wait()
    check(whole, follower, topic, draft=told("draft", topic, "more oakum"))
    assert [tales.calls(task, topic) for task in TASKS] == [2, 1, 1]


async def test_the_web_process_takes_leave(whole: Stack, topic: str) -> None:
    async with whole.connect() as client:
        execution = await start(client, topic, "agree")
        draft = await client.question(execution, "agree")
        async with Follower(whole.port, execution) as follower:
            await wait_until(lambda: len(follower.events) >= len(client.events(execution)), description="it follows")
            whole.webs[0].send(signal.SIGTERM)
            assert await client.closed() == (4200, "draining")
            bye = client.frames[-1]
            assert (bye["type"], bye["code"], bye["resume"]) == ("bye", 4200, True)
            assert bye["after"] <= 2
            assert whole.webs[0].wait() == 0
            whole.webs[0].start()
            async with whole.connect() as late:
                await late.decide(draft, "approve")
                await follower.ended.wait()
    check(whole, follower, topic)
    assert "Traceback" not in whole.webs[0].err
