"""Workers are killed at random moments, again and again: each call is paid once, each tool has its effect once."""

import random
import re
import signal
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from protocol.ids import new_id
from tests.support.client import ENDS, Follower, Frame
from tests.support.marked_model import MarkedModel
from tests.support.openai_server import Reply
from tests.support.stack import Stack, installed
from tests.support.waiting import wait_until

#: Executions that must have been at work on a worker when it was killed, counted once for each kill.
MOMENTS = 40
#: Executions at once.
SIDE_BY_SIDE = 12
#: No worker is killed with fewer of them aboard.
CREWED = 3
#: Seconds that a worker may take from an answer of the model until that is durable.
ARRIVAL = 1.0
LIMIT = 160.0
TASK = re.compile(r"do (\w+)")
TASKS = {"sound": 2, "weigh": 2, "write": 1, "hand_over": 2}


@dataclass
class Asked:
    """A request to the model: when it came, and when it was answered."""

    came: float
    answered: float = 0.0


class Clerk(MarkedModel):
    """A model that takes a little while, says the same to the same question, and keeps account of both."""

    def __init__(self) -> None:
        super().__init__()
        self.account: dict[str, list[Asked]] = defaultdict(list)

    def text(self, asked: str) -> str:
        return f"I have done {TASK.findall(asked)[-1]}."

    def take(self, body: dict[str, Any]) -> Reply:
        asked = Asked(time.monotonic())
        reply = super().take(body)
        self.account["\n".join(str(message["content"]) for message in body["messages"])].append(asked)
        time.sleep(random.uniform(0.1, 1.5))
        asked.answered = time.monotonic()
        return reply

    def about(self, topic: str) -> dict[str, list[Asked]]:
        return {prompt: asked for prompt, asked in self.account.items() if topic in prompt}


@dataclass
class Fleet:
    """What is run, and what it is run on."""

    stack: Stack
    clerk: Clerk
    marks: Path
    kills: list[float] = field(default_factory=list)
    #: The executions that have ended, by topic.
    followers: dict[str, Follower] = field(default_factory=dict)

    def effects(self, topic: str) -> list[str]:
        return [line for line in self.marks.read_text().split() if line.startswith(f"{topic}.")]

    def aboard(self) -> Counter[str]:
        """Count the executions at work by their worker, of those that live."""
        at_work = [_worker(follower) for follower in self.followers.values()]
        living = {worker.ident for worker in self.stack.workers if worker.ident}
        return Counter(worker for worker in at_work if worker in living)

    @property
    def moments(self) -> int:
        return sum(_count(follower, "execution.recovered") for follower in self.followers.values())


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="qd-") as folder, Clerk() as clerk:
        marks = Path(folder) / "marks"
        marks.touch()
        crews = {"QUARTERDECK_CREWS": "voyage=harbour:crew", "TEST_MARKS": str(marks), "QUARTERDECK_HOT_SECONDS": "1"}
        with installed(clerk.url, workers=3, durable=True, settings=crews) as stack:
            yield Fleet(stack, clerk, marks)


@pytest.mark.timeout(240)
async def test_workers_are_killed_at_random_moments(fleet: Fleet) -> None:
    await fleet.stack.mend()
    calm = await voyage(fleet, "calm")
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            for _ in range(SIDE_BY_SIDE):
                group.start_soon(voyages, fleet)
            await storm(fleet)
    del fleet.followers["calm"]
    assert fleet.moments >= MOMENTS
    for topic, follower in fleet.followers.items():
        check(fleet, topic, follower, calm)
    kinds = Counter(question["kind"] for follower in fleet.followers.values() for question in _new(follower, set()))
    assert kinds["recovery"] > 0, "some died within a tool, and were asked about"
    assert kinds["task.after"] == kinds["task.before"] == kinds["tool"] == len(fleet.followers)


async def voyages(fleet: Fleet) -> None:
    """Run one execution after the other, as long as it storms."""
    while fleet.moments < MOMENTS:
        await voyage(fleet, new_id("topic"))


async def voyage(fleet: Fleet, topic: str) -> Follower:
    """Run an execution to its end, and answer what it asks."""
    answered: set[tuple[str, int]] = set()
    async with fleet.stack.connect() as client:
        started = await client.command("start", crew="voyage", inputs={"topic": topic}, watch=False)
    async with Follower(fleet.stack.port, str(started["execution"])) as follower:
        fleet.followers[topic] = follower
        while not follower.ended.is_set():
            await wait_until(
                lambda: bool(_new(follower, answered)) or follower.ended.is_set(),
                description=f"{topic} comes on", timeout=LIMIT,
            )  # fmt: skip
            for question in _new(follower, answered):
                answered.add((question["id"], question["version"]))
                await answer(fleet, question)
    return follower


def _new(follower: Follower, answered: set[tuple[str, int]]) -> list[Frame]:
    opened = [event["data"]["checkpoint"] for event in follower.events if event["type"] == "checkpoint.opened"]
    return [question for question in opened if (question["id"], question["version"]) not in answered]


async def answer(fleet: Fleet, question: Frame) -> None:
    """Approve, or look whether the tool of which nobody knows has had its effect."""
    async with fleet.stack.connect() as client:
        if question["kind"] != "recovery":
            await client.decide(question, "approve")
        elif (entry := question["tool"]["arguments"]["entry"]) in fleet.marks.read_text().split():
            done = {"note": "noted", "deliver": "delivered"}[question["tool"]["name"]]
            await client.decide(question, "edit", output=f"{done} {entry}")
        else:
            await client.decide(question, "retry")


async def storm(fleet: Fleet) -> None:
    """Kill the worker with the most crews aboard, each time at another moment, until enough executions were hit."""
    while fleet.moments < MOMENTS:
        await wait_until(lambda: max(fleet.aboard().values(), default=0) >= CREWED, description="crews", timeout=LIMIT)
        await anyio.sleep(random.uniform(0, 1.5))
        busiest = max(fleet.aboard().items(), key=lambda pair: pair[1], default=("", 0))[0]
        for worker in fleet.stack.workers:
            if worker.ident == busiest:
                worker.stop(signal.SIGKILL)
                fleet.kills.append(time.monotonic())
                worker.start()


def check(fleet: Fleet, topic: str, follower: Follower, calm: Follower) -> None:
    """See that the execution came to what the undisturbed one came to, and paid and did everything once."""
    assert follower.transcript == fleet.stack.log(follower.execution)
    end, undisturbed = follower.events[-1]["data"], calm.events[-1]["data"]
    assert follower.events[-1]["type"] == "execution.completed"
    assert (end["output"], end["tasks"]) == (undisturbed["output"], undisturbed["tasks"])
    assert sorted(fleet.effects(topic)) == [f"{topic}.{number}" for number in range(1, 6)]
    assert not _count(follower, "journal.missed")
    assert end["usage"]["calls"] == sum(TASKS.values())
    for prompt, asked in fleet.clerk.about(topic).items():
        for first, second in pairwise(asked):
            assert any(
                first.came <= kill <= second.came and kill - ARRIVAL <= first.answered for kill in fleet.kills
            ), prompt
    told = Counter(event["data"]["call"] for event in follower.events if event["type"] == "tool.started")
    assert set(told.values()) == {1}


def _worker(follower: Follower) -> str:
    """Name the worker that has the execution, unless it rests or has ended."""
    for event in reversed(follower.events):
        if event["type"] in ("execution.started", "execution.recovered"):
            return str(event["data"]["worker"])
        if event["type"] == "execution.parked" or event["type"] in ENDS:
            return ""
    return ""


def _count(follower: Follower, type_: str) -> int:
    return sum(event["type"] == type_ for event in follower.events)
