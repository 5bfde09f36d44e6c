"""Workers are killed at forty random moments of crews that act on the world and ask people.

Whatever happens, every answer of the model that was kept is paid for once, every effect is had once or asked about,
and what comes out is what an undisturbed crew gives.
"""

import random
import re
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from protocol.ids import new_id
from tests.support.client import ENDS, Client, Frame, answer_to
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.processes import WorkerProcess
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)
KILLS, WORKERS, AT_ONCE = 40, 4, 24
TASKS = ("fetch", "wrap", "hand over")
PROMPT = re.compile(r"do (fetch|wrap|hand over) about (\S+)")


def model(prompt: str) -> Reply:
    """Deliver first, and then say so."""
    task, topic = PROMPT.findall(prompt)[-1]
    what = f"{task} {topic}"
    return (
        Reply(f"{what} is done.") if f"delivered {what}" in prompt else Reply(calls=[Call("deliver", {"what": what})])
    )


@dataclass
class Errand:
    """One execution, as its client sees it."""

    topic: str
    events: list[Frame] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)

    @property
    def attempts(self) -> int:
        return sum(event["type"] == "execution.recovered" for event in self.events)

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1]["type"] in ENDS


class People:
    """Start errands, answer their questions, and look into the ledger before a delivery is made again."""

    def __init__(self, client: Client, ledger: Path) -> None:
        self.client = client
        self.ledger = ledger
        self.errands: dict[str, Errand] = {}
        self.asked_for: set[str] = set()
        self.closing = False

    async def work(self) -> None:
        """Keep some errands under way, until told to come to an end."""
        for _ in range(AT_ONCE):
            await self._start()
        while self.asked_for or not all(errand.ended for errand in self.errands.values()):
            await self._take(await self.client.receive())

    async def _start(self) -> None:
        """Ask for one more; nothing is waited for here, so that no question passes unheard."""
        topic = new_id("topic")
        self.asked_for.add(topic)
        await self.client.send({"type": "start", "id": topic, "crew": "errands", "inputs": {"topic": topic}})

    def _note(self, frame: Frame) -> None:
        errand = self.errands.get(frame.get("execution", ""))
        if errand is not None and "offset" in frame and "." in frame["type"]:
            known = errand.events[-1]["offset"] if errand.events else 0
            assert frame["offset"] in (known + 1, *range(1, known + 1)), "no gap, no disorder"
            if frame["offset"] > known:
                errand.events.append(frame)

    async def _take(self, frame: Frame) -> None:
        self._note(frame)
        if frame["type"] == "reply" and frame["re"] in self.asked_for:
            self.asked_for.remove(frame["re"])
            self.errands[frame["data"]["execution"]] = Errand(frame["re"])
        elif frame["type"] == "checkpoint.opened":
            await self._answer(frame["data"]["checkpoint"])
        elif frame["type"] in ENDS and not self.closing:
            await self._start()

    async def _answer(self, checkpoint: Frame) -> None:
        """Answer without waiting for the reply: it comes among the events."""
        fields = answer_to(checkpoint, "approve")
        if checkpoint["kind"] == "recovery":
            what = checkpoint["tool"]["arguments"]["what"]
            if self.delivered()[what]:
                fields = answer_to(checkpoint, "edit", output=f"delivered {what}")
            else:
                fields = answer_to(checkpoint, "retry")
                self.errands[checkpoint["execution"]].again[what] += 1
        await self.client.send({"type": "decide", **fields})

    def delivered(self) -> Counter[str]:
        """Count what is in the ledger."""
        return Counter(self.ledger.read_text().splitlines()) if self.ledger.exists() else Counter()


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        running.script(model)
        yield running


@pytest.fixture
def machines(server: OpenAIServer) -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        stack = Stack(Path(folder), server.url, workers=WORKERS, durable=True)
        more = {"QUARTERDECK_CREWS": "errands=errands:crew", "TEST_LEDGER": f"{folder}/ledger"}
        for process in stack.processes:
            process.environ |= {**more, "QUARTERDECK_HOT_SECONDS": "0"}
        try:
            yield stack
        finally:
            stack.stop()


async def kill(workers: list[WorkerProcess], server: OpenAIServer, chance: random.Random) -> None:
    """Kill a worker that works, after a random number of calls to the model; it is started again."""
    for _ in range(KILLS):
        moment = len(server.requests) + chance.randint(1, 12)
        await wait_until(lambda at=moment: len(server.requests) >= at, description="work goes on", timeout=60)
        await wait_until(lambda: any(worker.ident for worker in workers), description="a worker is up", timeout=60)
        victim = chance.choice([worker for worker in workers if worker.ident])
        victim.stop(signal.SIGKILL)
        victim.start()


async def test_forty_kills(machines: Stack, server: OpenAIServer) -> None:
    await machines.mend()
    chance = random.Random(20_261_124)
    async with machines.connect() as client:
        people = People(client, machines.folder / "ledger")
        async with anyio.create_task_group() as group:
            group.start_soon(people.work)
            await kill(machines.workers, server, chance)
            people.closing = True
    assert len(people.errands) >= AT_ONCE
    assert sum(errand.attempts for errand in people.errands.values()) > 0
    delivered = people.delivered()
    for execution, errand in people.errands.items():
        check(errand, server, delivered)
        stored = [frame.decode() for frame in machines.log(execution)]
        assert len(stored) == len(errand.events)


def check(errand: Errand, server: OpenAIServer, delivered: Counter[str]) -> None:
    """Compare one errand with an undisturbed one."""
    end = errand.events[-1]
    assert end["type"] == "execution.completed"
    assert [task["output"] for task in end["data"]["tasks"]] == [f"{task} {errand.topic} is done." for task in TASKS]
    for task in TASKS:
        what = f"{task} {errand.topic}"
        assert delivered[what] == 1, "every effect is had once"
    asked = len(server.prompts(errand.topic))
    assert asked <= 2 * len(TASKS) + errand.attempts, "no more is paid twice than what was in flight at a kill"
    usage = end["data"]["usage"]
    assert usage["calls"] == 2 * len(TASKS), "what was paid for is counted, once"
    assert usage["total_tokens"] == 2 * len(TASKS) * 18
