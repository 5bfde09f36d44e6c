"""What goes wrong with paused flows elsewhere: two people answer at once, the worker dies, nobody says anything."""

import signal
from collections.abc import Iterator

import anyio
import pytest

from protocol.ids import new_id
from tests.support.client import Client, Frame, Refusal
from tests.support.stack import Stack, installed

pytestmark = pytest.mark.timeout(120)
ROUNDS = 10


@pytest.fixture(scope="module")
def machines() -> Iterator[Stack]:
    """Two workers, where what waits is parked at once."""
    settings = {"QUARTERDECK_CREWS": "review=review:Review", "QUARTERDECK_HOT_SECONDS": "0"}
    with installed("none", workers=2, durable=True, settings=settings) as stack:
        yield stack


async def asked(client: Client, topic: str) -> Frame:
    reply = await client.command("start", crew="review", inputs={"topic": topic})
    return await client.question(reply["execution"], "judge")


def ledger(stack: Stack, topic: str) -> list[str]:
    path = stack.folder / "ledger"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.partition(" ")[0] for line in lines if line.endswith(topic)]


async def test_two_answers_to_one_paused_flow_run_the_rest_once(whole: Stack) -> None:
    async with whole.connect() as one, whole.connect() as other:
        for _ in range(ROUNDS):
            topic = new_id("topic")
            checkpoint = await asked(one, topic)
            outcomes: dict[str, str] = {}

            async def decide(client: Client, outcome: str, checkpoint: Frame = checkpoint) -> None:
                try:
                    await client.decide(checkpoint, f"outcome:{outcome}")
                    outcomes[outcome] = "won"  # noqa: B023 - ended before the next round
                except Refusal as refusal:
                    outcomes[outcome] = refusal.frame["code"]  # noqa: B023

            async with anyio.create_task_group() as group:
                group.start_soon(decide, one, "approved")
                group.start_soon(decide, other, "rejected")
            assert sorted(outcomes.values()) == ["already_decided", "won"]
            await one.end(checkpoint["execution"])
            expected = "published" if outcomes["approved"] == "won" else "dropped"
            assert ledger(whole, topic) == [expected]


@pytest.mark.parametrize("resumed", [False, True])
async def test_an_answer_survives_the_death_of_every_worker(whole: Stack, resumed: bool) -> None:
    """They die before any of them has heard the answer, or while one may be running the method that comes next."""
    topic = new_id("topic")
    async with whole.connect() as client:
        checkpoint = await asked(client, topic)
        for worker in whole.workers:
            if not resumed:
                worker.send(signal.SIGSTOP)
        await client.decide(checkpoint, "outcome:rejected", feedback="too long")
        for worker in whole.workers:
            worker.stop(signal.SIGKILL)
        for worker in whole.workers:
            worker.start()
        end = await client.end(checkpoint["execution"])
    assert end["type"] == "execution.completed"
    assert end["data"]["output"] == f"dropped {topic}"
    # a method that was running when its worker died runs again: only what tools do is told apart
    assert ledger(whole, topic) in ([["dropped"]], [["dropped"], ["dropped"] * 2])[resumed]


@pytest.mark.parametrize("answer", [{}, {"response": ""}, {"response": "  "}, {"feedback": " "}])
async def test_an_empty_answer_approves_nothing(whole: Stack, answer: Frame) -> None:
    topic = new_id("topic")
    async with whole.connect() as client:
        checkpoint = await asked(client, topic)
        for action in ("respond", "approve", ""):
            with pytest.raises(Refusal):
                await client.decide(checkpoint, action, **answer)
        await client.command("cancel", execution=checkpoint["execution"])
        end = await client.end(checkpoint["execution"])
    assert end["type"] == "execution.cancelled"
    assert ledger(whole, topic) == []
