"""A person races with a model in a flow: whoever is first counts, and nobody is asked in vain any longer."""

from collections.abc import Iterator

import pytest

from tests.support.client import Client, Frame
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller, told

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module", params=["0", "30"], ids=["parked", "hot"])
def machines(request: pytest.FixtureRequest, tales: Storyteller) -> Iterator[Stack]:
    settings = {"QUARTERDECK_CREWS": "either=voyage:Either", "QUARTERDECK_HOT_SECONDS": request.param}
    with installed(tales.server.url, settings=settings) as stack:
        yield stack


async def asked(client: Client, topic: str) -> Frame:
    reply = await client.command("start", crew="either", inputs={"topic": topic})
    return await client.question(reply["execution"], "ask_person")


async def test_the_person_is_first(whole: Stack, tales: Storyteller, topic: str) -> None:
    release = tales.hold("draft", topic)
    async with whole.connect() as client:
        checkpoint = await asked(client, topic)
        await client.decide(checkpoint, "respond", response="a whale")
        await client.find("task.completed", checkpoint["execution"], task="end")
        release()
        end = await client.end(checkpoint["execution"])
    assert (end["type"], end["data"]["output"]) == ("execution.completed", "a whale")


async def test_the_model_is_first(whole: Stack, tales: Storyteller, topic: str) -> None:
    release = tales.hold("draft", topic)
    async with whole.connect() as client:
        checkpoint = await asked(client, topic)
        execution = checkpoint["execution"]
        release()
        end = await client.end(execution)
        assert (end["type"], end["data"]["output"]) == ("execution.completed", told("draft", topic))
        withdrawn = [event for event in client.events(execution) if event["type"] == "checkpoint.withdrawn"]
        assert [event["data"]["checkpoint"] for event in withdrawn] == [checkpoint["id"]]
        refusal = await client.refused("decide", execution=execution, checkpoint=checkpoint["id"], action="approve")
        assert refusal["code"] == "ended"
        inbox = await client.command("list", what="checkpoints")
        assert checkpoint["id"] not in [item["id"] for item in inbox["items"]]
    assert tales.calls("draft", topic) == 1
