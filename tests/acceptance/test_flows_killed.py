"""Workers die in the middle of a flow: what was finished stays finished, in its methods and in the crews within."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.client import Client, Follower
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller, told
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)
TASKS = ("draft", "polish", "publish")
BODIES = ("prepare", "write", "publish", "weather fair", "end")


@pytest.fixture(scope="module")
def machines(tales: Storyteller) -> Iterator[Stack]:
    """Two workers, where what waits is parked at once."""
    settings = {"QUARTERDECK_CREWS": "voyage=voyage:Voyage", "QUARTERDECK_HOT_SECONDS": "0"}
    with installed(tales.server.url, workers=2, settings=settings) as stack:
        yield stack


async def begin(client: Client, topic: str, *checkpoints: str) -> str:
    reply = await client.command("start", crew="voyage", inputs={"topic": topic}, checkpoints=list(checkpoints))
    return str(reply["execution"])


def ledger(stack: Stack, topic: str) -> Counter[str]:
    lines = (stack.folder / "ledger").read_text().splitlines()
    return Counter(line.removeprefix(f"{topic} ") for line in lines if line.startswith(f"{topic} "))


async def judged(client: Client, execution: str) -> None:
    await client.decide(await client.question(execution, "judge"), "outcome:on")


async def answered(client: Client, execution: str) -> None:
    await client.decide(await client.question(execution, "ask"), "respond", response="fair")


def check(stack: Stack, follower: Follower, topic: str) -> None:
    end = follower.events[-1]
    assert end["type"] == "execution.completed", end
    assert end["data"]["output_json"] == {"texts": [told("polish", topic), told("publish", topic)]}
    assert follower.transcript == stack.log(follower.execution)
    done = [event["data"]["task"] for event in follower.events if event["type"] == "task.completed"]
    assert sorted(done) == sorted([
        "prepare", "write", "write/draft", "write/polish", "judge", "publish", "publish/publish", "weather", "end",
    ])  # fmt: skip


async def kill(stack: Stack, client: Client, execution: str) -> None:
    """Kill the worker that runs the execution now."""
    begun = {
        line["attempt"]: worker
        for worker in stack.workers
        for line in worker.said("crew.started")
        if line["execution"] == execution
    }
    doomed = begun[max(begun)]
    doomed.stop(signal.SIGKILL)
    doomed.start()
    await client.find("execution.recovered", execution)


@pytest.mark.parametrize("task", TASKS)
async def test_a_worker_dies_while_a_crew_within_a_flow_works(
    whole: Stack, tales: Storyteller, topic: str, task: str
) -> None:
    async with whole.connect() as client:
        release = tales.hold(task, topic)
        execution = await begin(client, topic)
        async with Follower(whole.port, execution) as follower:
            if task == "publish":
                await judged(client, execution)
                await answered(client, execution)
                await client.find("task.completed", execution, task="weather")
            await wait_until(lambda: tales.calls(task, topic) == 1, description=f"{task} is asked for", timeout=30)
            await kill(whole, client, execution)
            await wait_until(lambda: tales.calls(task, topic) == 2, description=f"{task} is asked again", timeout=30)
            release()
            if task != "publish":
                await judged(client, execution)
                await answered(client, execution)
            await follower.ended.wait()
    check(whole, follower, topic)
    assert {name: tales.calls(name, topic) for name in TASKS} == {name: 2 if name == task else 1 for name in TASKS}
    assert ledger(whole, topic) == Counter(BODIES)


async def test_all_workers_die_while_two_branches_wait(whole: Stack, tales: Storyteller, topic: str) -> None:
    """A task of a crew in one branch is held for a person, a method of the other has asked one."""
    async with whole.connect() as client:
        execution = await begin(client, topic, "after:publish/publish")
        async with Follower(whole.port, execution) as follower:
            await judged(client, execution)
            held = await client.question(execution, "after:publish/publish")
            asked = await client.question(execution, "ask")
            for worker in whole.workers:
                worker.stop(signal.SIGKILL)
                worker.start()
            await client.decide(asked, "respond", response="fair")
            await client.decide(held, "approve")
            await follower.ended.wait()
    check(whole, follower, topic)
    assert [tales.calls(name, topic) for name in TASKS] == [1, 1, 1]
    assert ledger(whole, topic) == Counter(BODIES)


async def test_the_parts_of_a_flow_are_shown_where_they_stand(whole: Stack, topic: str) -> None:
    async with whole.connect() as client:
        execution = await begin(client, topic)
        await client.question(execution, "judge")
        tasks = (await client.command("get", execution=execution))["execution"]["tasks"]
        names = [(task["index"], task["name"], task["state"]) for task in tasks]
        assert names[:3] == [(0, "prepare", "completed"), (1, "write", "completed"), (2, "judge", "running")]
        assert names[-2:] == [(6, "write/draft", "completed"), (7, "write/polish", "completed")]
        refusal = await client.refused("start", crew="voyage", checkpoints=["after:writing/draft"])
        assert refusal["code"] == "unknown_checkpoint"
        await client.command("cancel", execution=execution)


async def test_a_flow_is_paused_and_goes_on(whole: Stack, tales: Storyteller, topic: str) -> None:
    async with whole.connect() as client:
        release = tales.hold("draft", topic)
        execution = await begin(client, topic)
        async with Follower(whole.port, execution) as follower:
            await wait_until(lambda: tales.calls("draft", topic) == 1, description="draft is asked for", timeout=30)
            await client.command("pause", execution=execution)
            release()
            await client.find("execution.parked", execution)
            await client.command("resume", execution=execution)
            await judged(client, execution)
            await answered(client, execution)
            await follower.ended.wait()
    check(whole, follower, topic)
    assert [tales.calls(name, topic) for name in TASKS] == [1, 1, 1]
    assert ledger(whole, topic) == Counter(BODIES)


async def test_a_fork_answers_a_flow_otherwise(whole: Stack, tales: Storyteller, topic: str) -> None:
    async with whole.connect() as client:
        execution = await begin(client, topic)
        judge = await client.question(execution, "judge")
        await client.decide(judge, "outcome:on")
        await answered(client, execution)
        await client.end(execution)
        forked = await client.command(
            "fork", execution=execution, checkpoint=judge["id"], action="outcome:back", version=1
        )
        await client.command("watch", execution=forked["execution"])
        end = await client.end(forked["execution"])
    assert end["type"] == "execution.completed"
    assert end["data"]["output"] == told("polish", topic)
    assert tales.calls("draft", topic) == 1
    assert ledger(whole, topic) == Counter(BODIES)
