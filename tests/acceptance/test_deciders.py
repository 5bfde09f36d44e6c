"""Several people may answer the same question: one wins, and the others are told who it was."""

from collections import Counter
from typing import Any

import anyio
import anyio.to_thread

from tests.support.client import Client, Frame, answer_to
from tests.support.http import ask
from tests.support.stack import Stack
from tests.support.story import Storyteller
from tests.support.waiting import wait_until

ROUNDS = 200


async def test_two_decide_at_once_and_one_wins_every_time(stack: Stack, topic: str, tales: Storyteller) -> None:
    async with stack.connect(0) as first, stack.connect(1) as second:
        start = await first.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
        execution = start["execution"]
        await second.command("watch", execution=execution)
        wins = Counter([await duel(first, second, execution, tales, topic, n) for n in range(1, ROUNDS + 1)])
        assert wins.total() == ROUNDS
        assert len(wins) == 2, f"always the same one wins: {wins}"
        await first.decide(await first.question(execution, "agree", ROUNDS + 1), "approve")
        await first.end(execution)
        await second.end(execution)
        assert first.transcript(execution) == second.transcript(execution)
    decided = [event for event in first.events(execution) if event["type"] == "checkpoint.decided"]
    assert [event["data"]["version"] for event in decided] == list(range(1, ROUNDS + 2))
    assert tales.calls("draft", topic) == ROUNDS + 1


async def duel(first: Client, second: Client, execution: str, tales: Storyteller, topic: str, version: int) -> str:
    """Let both decide the same version at once; check what they are told, and give whose feedback won."""
    clients = {"first": first, "second": second}
    questions = {name: await client.question(execution, "agree", version) for name, client in clients.items()}
    release = tales.hold("draft", topic)  # the next version must not be there before the slower one has asked
    told: dict[str, Frame] = {}

    async def decide(name: str) -> None:
        fields = answer_to(questions[name], "revise", feedback=f"{name}-{version}")
        told[name] = await clients[name].answer({"type": "decide", "id": f"{name}-{version}", **fields})

    async with anyio.create_task_group() as group:
        for name in ("first", "second") if version % 2 else ("second", "first"):
            group.start_soon(decide, name)
    await wait_until(lambda: tales.calls("draft", topic) > version, description="the redraft is asked for")
    release()
    (winner,) = [name for name, answer in told.items() if answer["type"] == "reply"]
    (loser,) = set(told) - {winner}
    decided = await clients[winner].find("checkpoint.decided", execution, version=version)
    assert decided["data"]["feedback"] == f"{winner}-{version}"
    assert told[winner]["data"] == {"offset": decided["offset"], "state": "running"}
    check_loser(told[loser], decided)
    return winner


def check_loser(error: Frame, decided: Frame) -> None:
    assert error["code"] == "already_decided"
    assert not error["retry"]
    assert error["detail"] == {
        "by": decided["by"], "action": "revise", "at": decided["at"], "version": decided["data"]["version"]
    }  # fmt: skip
    assert decided["by"] == {"id": "local", "name": "You"}


async def test_many_decide_at_once_by_every_door(stack: Stack, topic: str) -> None:
    async with stack.connect() as client:
        start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
        draft = await client.question(start["execution"], "agree")
        path = f"/api/v1/executions/{start['execution']}/checkpoints/{draft['id']}/decision"
        outcomes: list[Any] = []

        async def by_socket(number: int, action: str) -> None:
            async with stack.connect(number % 2) as other:
                answer = await other.answer({"type": "decide", "id": 1, **answer_to(draft, action)})
                outcomes.append(answer.get("code", "won"))

        async def by_request(number: int, action: str) -> None:
            body = {"action": action, "version": draft["version"]}
            answer = await anyio.to_thread.run_sync(ask, stack.webs[number % 2].port, "POST", path, body)
            outcomes.append(answer.json.get("code", "won"))

        async with anyio.create_task_group() as group:
            for number in range(16):
                group.start_soon(by_socket if number % 3 else by_request, number, "approve" if number % 2 else "stop")
        assert Counter(outcomes) == {"won": 1, "already_decided": 15}
        await client.end(start["execution"])


async def test_the_same_key_gives_the_first_answer_again(stack: Stack, client: Client, topic: str) -> None:
    start = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"])
    draft = await client.question(start["execution"], "agree")
    first = await client.decide(draft, "approve", key="k1")
    async with stack.connect(1) as other:
        again = await other.decide(draft, "approve", key="k1")
    assert again["offset"] == first["offset"]
    assert again["duplicate"]
    await client.end(start["execution"])
    decided = [event for event in client.events(start["execution"]) if event["type"] == "checkpoint.decided"]
    assert len(decided) == 1
